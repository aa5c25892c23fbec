// The least that a forked Node process can be: it says that it runs.
process.send?.('up');
process.on('message', () => undefined);
