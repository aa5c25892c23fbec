// Loaded before the program, by --import.
globalThis.preloaded = true;
