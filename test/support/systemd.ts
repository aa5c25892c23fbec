import { spawn, type ChildProcess } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Waiters, within } from './wait.js';

/** What a command printed, both outputs, and how it ended. */
export interface Answer {
  readonly code: number;
  readonly text: string;
}

/**
 * A systemd of its own, in namespaces of processes and mounts: a user's manager, since a container may have another first
 * process. A shell is the first process there and takes commands; when its input ends, the kernel ends all the others.
 */
export class Systemd implements AsyncDisposable {
  readonly #folder = mkdtempSync(join(tmpdir(), 'prefork-manager-'));
  readonly #child: ChildProcess;
  readonly #waiters = new Waiters();
  readonly #over: Promise<unknown>;
  #output = '';
  #asked = 0;

  private constructor(units: Readonly<Record<string, string>>) {
    const config = join(this.#folder, 'systemd/user');
    mkdirSync(config, { recursive: true });
    for (const [name, text] of Object.entries(units)) writeFileSync(join(config, name), text);
    this.#child = spawn('unshare', ['--pid', '--fork', '--mount', '--mount-proc', '--kill-child', 'sh'], {
      stdio: ['pipe', 'pipe', 'pipe'], env: { PATH: process.env['PATH'], HOME: this.#folder, XDG_CONFIG_HOME: this.#folder, XDG_RUNTIME_DIR: '/run/user/0' },
    });
    for (const stream of [this.#child.stdout, this.#child.stderr]) {
      stream?.setEncoding('utf8').on('data', (text: string) => {
        this.#output += text;
        this.#waiters.notify();
      });
    }
    // If it has ended, the answer does not come, and that is said.
    this.#child.stdin?.on('error', () => undefined);
    this.#over = new Promise((resolve) => { this.#child.once('close', resolve); });
  }

  /** Starts it with these unit files, by name. */
  static async start(units: Readonly<Record<string, string>>): Promise<Systemd> {
    const systemd = new Systemd(units);
    // It takes /run/systemd/system for the sign that systemd is there (sd_booted(3)).
    await systemd.run('mount -t tmpfs tmpfs /run && mkdir -p /run/systemd/system /run/user/0');
    await systemd.run('/lib/systemd/systemd --user >/dev/null 2>&1 &');
    const { text } = await systemd.run('for try in $(seq 200); do systemctl --user is-system-running >/dev/null 2>&1 && break; sleep 0.05; done; systemctl --user is-system-running');
    if (text.trim() !== 'running') throw new Error(`systemd is ${text}`);
    return systemd;
  }

  /** Runs a command beside it. */
  async run(command: string, boundMs?: number): Promise<Answer> {
    this.#asked += 1;
    const end = new RegExp(`^([^]*?)<${this.#asked}:(\\d+)>\n`);
    this.#child.stdin?.write(`{ ${command}\n} 2>&1; echo "<${this.#asked}:$?>"\n`);
    return this.#waiters.until(() => {
      const [whole, text, code] = end.exec(this.#output) ?? [];
      if (whole === undefined) return undefined;
      this.#output = this.#output.slice(whole.length);
      return { code: Number(code), text: text ?? '' };
    }, () => `${command}; ${this.#output}`, boundMs);
  }

  async systemctl(command: string, boundMs?: number): Promise<Answer> {
    return this.run(`systemctl --user ${command}`, boundMs);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#child.stdin?.end();
    this.#child.kill('SIGKILL');
    await within(this.#over, () => `the end of systemd; ${this.#output}`);
    rmSync(this.#folder, { recursive: true });
  }
}
