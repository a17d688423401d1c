/** One node of a store, a process that can be killed and stopped, and asked over HTTP. */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { Agent, type IncomingHttpHeaders, request } from 'node:http'
import { createInterface } from 'node:readline'

export interface Answer {
  status: number
  headers: IncomingHttpHeaders
  // biome-ignore lint/suspicious/noExplicitAny: answers of all routes
  result: any
  error: string
}

/** No answer came: whether the request was obeyed is not known, unless it never left. */
export class NoAnswer extends Error {
  constructor(
    message: string,
    /** Nothing listened where the request was sent. */
    readonly neverLeft: boolean,
  ) {
    super(message)
  }
}

export interface NodePlan {
  main: string
  args: readonly string[]
  env: Record<string, string>
  cwd: string
}

export class NodeProcess {
  log = ''
  isStopped = false
  /** How it ended though nobody ended it; null while it runs. */
  crash: string | null = null
  #isEnding = false
  readonly #agent = new Agent({ keepAlive: true })

  private constructor(
    readonly url: string,
    readonly child: ChildProcess,
  ) {
    child.once('exit', (code, signal) => {
      if (!this.#isEnding) this.crash = `it ended by ${signal ?? `exit code ${code}`}, and nobody had ended it`
    })
  }

  /** Resolves once it listens. */
  static async start({ main, args, env, cwd }: NodePlan): Promise<NodeProcess> {
    const child = spawn(process.execPath, [main, 'serve', '--port', '0', '--log-level', 'error', ...args], {
      cwd,
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { PATH: process.env.PATH, HOME: cwd, ...env },
    })
    let errors = ''
    const onErrors = (text: Buffer) => {
      errors += text
    }
    child.stderr.on('data', onErrors)
    for await (const line of createInterface({ input: child.stdout })) {
      const url = /listening on (\S+),/.exec(line)?.[1]
      if (url === undefined) continue
      const node = new NodeProcess(url, child)
      node.log = errors
      child.stderr.off('data', onErrors).on('data', (text) => {
        node.log += text
      })
      return node
    }
    throw new Error(`a node ended without listening: ${errors}`)
  }

  get isAlive(): boolean {
    return this.child.exitCode === null && this.child.signalCode === null
  }

  stop(): void {
    this.isStopped = true
    this.child.kill('SIGSTOP')
  }

  goOn(): void {
    this.isStopped = false
    this.child.kill('SIGCONT')
  }

  async end(signal: NodeJS.Signals): Promise<void> {
    this.#agent.destroy()
    this.#isEnding = true
    if (!this.isAlive) return
    const exited = once(this.child, 'exit')
    this.child.kill(signal)
    await exited
  }

  /** Rejects with NoAnswer. The request stays under way where the caller waits no longer, so that it may be obeyed late. */
  ask(method: string, path: string, body: unknown, waitMs: number): Promise<Answer> {
    const bytes = body === undefined ? '' : JSON.stringify(body)
    const headers = { 'content-type': 'application/json', 'content-length': Buffer.byteLength(bytes) }
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => reject(new NoAnswer(`no answer in ${waitMs} ms`, false)), waitMs)
      const fail = (error: NodeJS.ErrnoException) => {
        clearTimeout(timer)
        reject(new NoAnswer(error.message, error.code === 'ECONNREFUSED'))
      }
      const sent = request(this.url + path, { method, headers, agent: this.#agent }, (response) => {
        const chunks: Buffer[] = []
        response.on('data', (chunk: Buffer) => chunks.push(chunk))
        response.on('error', fail)
        response.on('end', () => {
          clearTimeout(timer)
          try {
            resolve(answerOf(response.statusCode ?? 0, response.headers, Buffer.concat(chunks).toString()))
          } catch (error) {
            fail(error as Error)
          }
        })
      })
      sent.on('error', fail)
      sent.end(bytes)
    })
  }
}

function answerOf(status: number, headers: IncomingHttpHeaders, text: string): Answer {
  const isJson = headers['content-type']?.startsWith('application/json') === true
  const { result, status: told } = isJson ? JSON.parse(text) : { result: text, status: null }
  return { status, headers, result, error: String(told?.error ?? '') }
}
