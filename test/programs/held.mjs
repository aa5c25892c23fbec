// Loaded before a worker's program, by --import: its start waits until the file that HELD names is there.
import { sleepFor } from './handlers.mjs';

sleepFor(process.env.HELD);
