import { createConnection } from 'node:net';

/** How clients fared. */
export interface Fared {
  readonly served: number;
  readonly failed: readonly string[];
}

/** Clients that come one after the other and ask one question each. @returns a function that stops them and says how it went */
export function shortClients(target: number | string): () => Promise<Fared> {
  let isOver = false;
  const failed: string[] = [];
  let served = 0;
  const ask = (): Promise<void> => new Promise((resolve) => {
    let text = '';
    const socket = createConnection(typeof target === 'number' ? { port: target, host: '127.0.0.1' } : { path: target }, () => { socket.write('hello\n'); });
    socket.setEncoding('utf8').on('data', (data: string) => {
      text += data;
      if (text.includes('hello')) socket.end();
    });
    socket.on('error', (error) => { failed.push(error.message); });
    socket.on('close', () => {
      if (text.includes('hello')) served += 1;
      else failed.push(`closed after ${JSON.stringify(text)}`);
      resolve();
    });
  });
  const clients = Promise.all(Array.from({ length: 3 }, async () => { while (!isOver) await ask(); }));
  return async () => {
    isOver = true;
    await clients;
    return { served, failed };
  };
}
