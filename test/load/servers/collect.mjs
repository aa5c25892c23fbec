// With --expose-gc, SIGUSR2 makes this process collect its garbage, so that what is left is what is in use.
if (globalThis.gc !== undefined) process.on('SIGUSR2', () => { globalThis.gc?.(); });
