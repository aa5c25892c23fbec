import { spawn, type ChildProcess } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { connect, createServer, type AddressInfo, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { toolPath } from './tools.js';
import { poll, within } from './wait.js';

/** Ports of 127.0.0.1 that were free a moment ago, all different. */
export async function freePorts(count: number): Promise<number[]> {
  const servers = await Promise.all(Array.from({ length: count }, async () => new Promise<Server>((resolve) => {
    const server = createServer().listen(0, '127.0.0.1', () => { resolve(server); });
  })));
  const ports = servers.map((server) => (server.address() as AddressInfo).port);
  await Promise.all(servers.map(async (server) => new Promise((resolve) => { server.close(resolve); })));
  return ports;
}

/** What HAProxy says of one server: a row of "show stat". */
export type ServerRow = Readonly<Record<string, string>>;

/** A running HAProxy, which ends with the scope. */
export class HaProxy implements AsyncDisposable {
  readonly folder: string;
  readonly #child: ChildProcess;
  readonly #over: Promise<unknown>;
  #output = '';

  /** @param config - text of a configuration, or the path of one */
  constructor({ config, env = {}, folder = mkdtempSync(join(tmpdir(), 'prefork-haproxy-')) }: {
    readonly config: string; readonly env?: Readonly<Record<string, string>>; readonly folder?: string;
  }) {
    this.folder = folder;
    const isText = config.includes('\n');
    if (isText) writeFileSync(join(folder, 'haproxy.cfg'), config);
    writeFileSync(join(folder, 'stats.cfg'), `global\n  stats socket ${folder}/stats level admin\n`);
    this.#child = spawn(toolPath('haproxy'), ['-db', '-f', join(folder, 'stats.cfg'), '-f', isText ? join(folder, 'haproxy.cfg') : config], {
      env: { ...process.env, ...env }, stdio: ['ignore', 'pipe', 'pipe'],
    });
    for (const stream of [this.#child.stdout, this.#child.stderr]) stream?.setEncoding('utf8').on('data', (text: string) => { this.#output += text; });
    this.#over = new Promise((resolve) => { this.#child.once('close', resolve); });
  }

  /** Waits until a server of its backend has these values. */
  async until(server: string, expected: (row: ServerRow) => boolean): Promise<ServerRow> {
    let row: ServerRow = {};
    await poll(async () => {
      row = (await this.#servers()).find((one) => one['svname'] === server) ?? {};
      return expected(row);
    }, () => `server ${server} with ${String(expected)}, not ${JSON.stringify(row)}; ${this.#output}`);
    return row;
  }

  async #servers(): Promise<ServerRow[]> {
    let text = '';
    try {
      const socket = connect(join(this.folder, 'stats'));
      socket.end('show stat\n');
      for await (const piece of socket.setEncoding('utf8')) text += String(piece);
    } catch {
      // It does not listen yet.
    }
    const [head = '', ...lines] = text.trim().split('\n');
    const names = head.replace(/^# /, '').split(',');
    return lines.map((line) => Object.fromEntries(line.split(',').map((value, index) => [names[index] ?? '', value])));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#child.kill('SIGTERM');
    await within(this.#over, () => `the end of haproxy, which said ${this.#output}`);
    rmSync(this.folder, { recursive: true });
  }
}
