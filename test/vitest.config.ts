import { availableParallelism } from 'node:os';
import { defineConfig } from 'vitest/config';

// Node reads these certificates at each start, which takes longer than the rest of it. Tests connect to this machine only.
delete process.env['NODE_EXTRA_CA_CERTS'];

/** Files at once, of all projects: while the processes of some wait for a heartbeat, those of others start and the unit tests compute. */
const WORKERS = Math.min(2 * availableParallelism(), 12);

export default defineConfig({
  test: {
    root: new URL('..', import.meta.url).pathname,
    retry: 0,
    coverage: {
      provider: 'v8',
      include: ['src/**'],
      reporter: ['text', 'html'],
      reportsDirectory: 'coverage',
    },
    projects: [
      {
        test: {
          name: 'unit',
          include: ['test/**/*.test.ts'],
          exclude: ['test/process/**', 'test/package/**'],
          // To start over for each file took half of the time. They share no state: what they change of the process they put back.
          isolate: false,
          maxWorkers: WORKERS,
          // Those that explore many orders of events take seconds, and several times that on a loaded machine.
          testTimeout: 60_000,
        },
      },
      {
        // The only tests that fork: against the build, imported by the package's own name.
        test: {
          name: 'process',
          include: ['test/process/**/*.test.ts'],
          pool: 'forks',
          // As above; what a test starts has ended when it ends.
          isolate: false,
          maxWorkers: WORKERS,
          testTimeout: 60_000,
          hookTimeout: 60_000,
        },
      },
      {
        // The tarball and the types as a user gets them.
        test: { name: 'package', include: ['test/package/**/*.test.ts'], maxWorkers: WORKERS, testTimeout: 120_000, hookTimeout: 120_000 },
      },
    ],
  },
});
