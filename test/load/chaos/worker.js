// What the workers of the chaos runs do. The master constructs the server with the same Alias.
import { PreforkTcpServer } from 'prefork-tcp-server';

const { banner = true, ...options } = JSON.parse(process.argv[2] ?? '{}');
const leaked = [];

new PreforkTcpServer({
  ...options,
  ClientConnected({ heap }) {
    if (banner) heap.client.put(process.pid);
  },
  ClientInput({ heap, input, kernel }) {
    const [order, argument] = input.split(' ');
    switch (order) {
      case 'spin': {
        const end = performance.now() + Number(argument);
        while (performance.now() < end) { /* a callback that blocks */ }
        break;
      }
      case 'wait':
        return new Promise((resolve) => {
          setTimeout(() => {
            heap.client.put('waited');
            resolve(undefined);
          }, Number(argument));
        });
      case 'leak':
        leaked.push(Buffer.alloc(Number(argument) * 1024 * 1024, 1));
        break;
      case 'heap':
        for (;;) leaked.push(Array.from({ length: 1000 }, () => ({})));
      case 'kilobytes':
        for (let left = Number(argument); left > 0; left--) heap.client.put('x'.repeat(1022));
        return undefined;
      case 'quit':
        kernel.yield('shutdown');
        break;
      default:
    }
    heap.client.put(`done ${order}`);
    return undefined;
  },
});
