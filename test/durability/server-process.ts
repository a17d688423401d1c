import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { pathToFileURL } from 'node:url'
import { REPOSITORY } from './child.js'

const START_MS = 300_000
const POLL_MS = 20

/** The real server, as started by `vicinal serve`, on its own port. */
export class ServerProcess {
  private constructor(
    readonly url: string,
    readonly child: ChildProcess,
    private readonly said: { stderr: string },
  ) {}

  /** Everything that it has logged. */
  get log(): string {
    return this.said.stderr
  }

  static async start(
    folder: string,
    env: Record<string, string> = {},
    { isReady = true, isStore = false }: { isReady?: boolean; isStore?: boolean } = {},
  ): Promise<ServerProcess> {
    const args = [
      join(REPOSITORY, 'dist/cli/main.js'),
      'serve',
      ...(isStore
        ? ['--store', pathToFileURL(join(folder, 'bucket')).href, '--cache', join(folder, 'cache')]
        : ['--data', folder]),
      '--port',
      '0',
      ...(env.VICINAL_LOG_LEVEL === undefined ? ['--log-level', 'error'] : []),
    ]
    const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'pipe'], env: { ...process.env, ...env } })
    const said = { stderr: '' }
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      said.stderr += text
    })
    const url = await new Promise<string>((resolve, reject) => {
      let stdout = ''
      const give = (error: Error) => {
        child.kill('SIGKILL')
        reject(error)
      }
      const timer = setTimeout(() => give(new Error(`the server did not start: ${said.stderr}`)), START_MS)
      child.stdout.setEncoding('utf8').on('data', (text: string) => {
        stdout += text
        const found = /listening on (\S+),/.exec(stdout)?.[1]
        if (!found) return
        clearTimeout(timer)
        resolve(found)
      })
      child.once('exit', (code) => give(new Error(`the server ended with ${code}: ${said.stderr}`)))
    })
    const server = new ServerProcess(url, child, said)
    if (isReady) await server.ready()
    return server
  }

  /** The server already listens while it recovers, and says so. */
  private async ready(): Promise<void> {
    for (const startMs = performance.now(); ; await sleep(POLL_MS)) {
      const { status } = await fetch(`${this.url}/readyz`)
      if (status === 200) return
      if (performance.now() - startMs > START_MS) throw new Error(`the server is not ready: ${this.said.stderr}`)
    }
  }

  async end(signal: NodeJS.Signals): Promise<void> {
    if (this.child.exitCode !== null || this.child.signalCode !== null) return
    const exited = once(this.child, 'exit')
    this.child.kill(signal)
    await exited
  }
}
