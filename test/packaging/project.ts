import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { onTestFinished } from 'vitest'
import { PROGRAMS, TSCONFIG, TYPED_PROGRAMS } from './consumer.js'

export const ROOT = dirname(dirname(dirname(fileURLToPath(import.meta.url))))
const START_TIMEOUT_MS = 60_000

/** A folder outside the repository, so that nothing resolves by accident. */
export class Workplace {
  readonly folder = mkdtempSync(join(tmpdir(), 'vicinal-package-'))
  #tarball: string | null = null

  /** `npm pack` of the tree, which builds what is not there. */
  get tarball(): string {
    if (this.#tarball) return this.#tarball
    run('npm', ['pack', '--loglevel=error', '--pack-destination', this.folder], ROOT)
    const name = readdirSync(this.folder).find((file) => file.endsWith('.tgz')) as string
    this.#tarball = join(this.folder, name)
    return this.#tarball
  }

  /** An empty project with the tarball installed by this command, and a user's programs beside it. */
  project(name: string, install: string[]): string {
    const folder = join(this.folder, name)
    mkdirSync(folder)
    writeFileSync(join(folder, 'package.json'), JSON.stringify({ name, version: '1.0.0', private: true }))
    const [command, ...args] = install as [string, ...string[]]
    run(command, [...args, this.tarball], folder)
    for (const [file, text] of Object.entries({ ...PROGRAMS, ...TYPED_PROGRAMS, 'tsconfig.json': TSCONFIG })) {
      writeFileSync(join(folder, file), text)
    }
    return folder
  }

  /** A program of an npm package, installed beside the projects. */
  tool(name: string, version: string, program: string): string {
    const folder = join(this.folder, `tool-${name}-${version}`)
    mkdirSync(folder)
    run(
      'npm',
      ['install', '--prefix', folder, '--no-audit', '--no-fund', '--loglevel=error', `${name}@${version}`],
      folder,
    )
    return join(folder, 'node_modules', program)
  }

  remove(): void {
    rmSync(this.folder, { recursive: true, force: true })
  }
}

/** The output of a command; if it fails, the error has its output. */
export function run(command: string, args: string[], cwd: string, env: NodeJS.ProcessEnv = {}): string {
  try {
    return execFileSync(command, args, {
      cwd,
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { ...process.env, NODE_ENV: 'development', ...env },
      maxBuffer: 1 << 26,
    })
  } catch (error) {
    const { stdout, stderr } = error as { stdout?: string; stderr?: string }
    throw new Error(`${command} ${args.join(' ')} in ${cwd}:\n${stdout}\n${stderr}`, { cause: error })
  }
}

/** Starts a server and waits for the line with its address. */
export async function startServer(
  command: string,
  args: string[],
  cwd: string,
): Promise<{ child: ChildProcess; url: string }> {
  const child = spawn(command, args, { cwd, stdio: ['ignore', 'pipe', 'inherit'] })
  onTestFinished(() => void child.kill('SIGKILL'))
  const timer = setTimeout(() => child.kill('SIGKILL'), START_TIMEOUT_MS)
  for await (const line of createInterface({ input: child.stdout })) {
    const url = /listening on (\S+),/.exec(line)?.[1]
    if (!url) continue
    clearTimeout(timer)
    return { child, url }
  }
  throw new Error(`${command} ${args.join(' ')}: ended without listening`)
}

/** SIGTERM, then the exit code. */
export async function stopServer(child: ChildProcess): Promise<number | null> {
  const exited = once(child, 'exit')
  child.kill('SIGTERM')
  const [code] = (await exited) as [number | null]
  return code
}
