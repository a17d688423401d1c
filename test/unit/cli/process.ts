import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { dirname, join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { onTestFinished } from 'vitest'

const ROOT = dirname(dirname(dirname(dirname(fileURLToPath(import.meta.url)))))
const MAIN = join(ROOT, 'dist/cli/main.js')

export interface Ended {
  code: number | null
  stdout: string
  stderr: string
}

/** Runs the command like a user, in a process of its own. `env` replaces the environment except for PATH. */
export function start(args: string[], cwd: string, env: NodeJS.ProcessEnv = {}): ChildProcess {
  const child = spawn(process.execPath, [MAIN, ...args], {
    cwd,
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { PATH: process.env.PATH, HOME: cwd, XDG_STATE_HOME: join(cwd, 'state'), ...env },
  })
  onTestFinished(() => void child.kill('SIGKILL'))
  return child
}

export async function ended(child: ChildProcess): Promise<Ended> {
  const texts = { stdout: '', stderr: '' }
  child.stdout?.on('data', (chunk) => {
    texts.stdout += chunk
  })
  child.stderr?.on('data', (chunk) => {
    texts.stderr += chunk
  })
  const [code] = (await once(child, 'close')) as [number | null]
  return { code, ...texts }
}

export const vicinal = (args: string[], cwd: string, env?: NodeJS.ProcessEnv): Promise<Ended> =>
  ended(start(args, cwd, env))

/** Starts `vicinal serve` on a free port and waits until it listens. */
export async function serve(
  args: string[],
  cwd: string,
  env?: NodeJS.ProcessEnv,
): Promise<{ child: ChildProcess; url: string }> {
  return await listening(start(['serve', '--port', '0', '--log-level', 'error', ...args], cwd, env))
}

/** Waits for the line that tells where a service listens. */
export async function listening(child: ChildProcess): Promise<{ child: ChildProcess; url: string }> {
  let errors = ''
  child.stderr?.on('data', (chunk) => {
    errors += chunk
  })
  for await (const line of createInterface({ input: child.stdout as NodeJS.ReadableStream })) {
    const url = /listening on (\S+),/.exec(line)?.[1]
    if (url) return { child, url }
  }
  throw new Error(`serve ended without listening: ${errors}`)
}
