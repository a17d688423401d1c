import { type ChildProcess, type SpawnOptions, spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import ts from 'typescript-api'

// The source file lies two folders below the repository, the compiled one four (.cache/children/<hash>/test/…).
export const REPOSITORY = findRepository(dirname(fileURLToPath(import.meta.url)))

function findRepository(folder: string): string {
  return existsSync(join(folder, 'package.json')) ? folder : findRepository(dirname(folder))
}

const SOURCES = ['test/durability', 'test/oracle', 'test/unit/native', 'test/unit/storage']

/**
 * Compiles the programs of the tests for plain Node, because preloaded and killed processes must be plain. Returns
 * their folder. Their imports of `src/` lead to `dist`: the shipped code, or an altered copy of it.
 */
function compiledChildren(dist: string): string {
  const files = SOURCES.flatMap((folder) =>
    readdirSync(join(REPOSITORY, folder), { recursive: true, encoding: 'utf8' })
      .filter((file) => file.endsWith('.ts') && !file.endsWith('.test.ts'))
      .map((file) => join(folder, file)),
  ).sort()
  const hash = createHash('sha256').update(dist)
  for (const file of files) hash.update(`${file}\0`).update(readFileSync(join(REPOSITORY, file)))
  const folder = join(REPOSITORY, '.cache/children', hash.digest('hex').slice(0, 16))
  if (existsSync(folder)) return folder
  mkdirSync(dirname(folder), { recursive: true })
  const fresh = mkdtempSync(join(dirname(folder), 'tmp-'))
  symlinkSync(dist, join(fresh, 'src'))
  for (const file of files) {
    const out = join(fresh, file.replace(/\.ts$/, '.js'))
    mkdirSync(dirname(out), { recursive: true })
    const { outputText } = ts.transpileModule(readFileSync(join(REPOSITORY, file), 'utf8'), {
      compilerOptions: { module: ts.ModuleKind.ESNext, target: ts.ScriptTarget.ES2022, verbatimModuleSyntax: true },
    })
    writeFileSync(out, outputText)
  }
  try {
    renameSync(fresh, folder)
  } catch {
    rmSync(fresh, { recursive: true, force: true }) // another test was quicker
  }
  return folder
}

export interface ChildResult {
  code: number | null
  signal: NodeJS.Signals | null
  stdout: string
  stderr: string
}

export interface ChildOptions extends SpawnOptions {
  /** The compiled code to run; by default the shipped one. */
  dist?: string
}

/** Starts `test/durability/children/<name>.ts`. */
export function startChild(name: string, args: readonly string[], given: ChildOptions = {}): ChildProcess {
  const { dist = join(REPOSITORY, 'dist'), ...options } = given
  const script = join(compiledChildren(dist), 'test/durability/children', `${name}.js`)
  return spawn(process.execPath, [script, ...args], {
    stdio: ['ignore', 'pipe', 'pipe'],
    ...options,
    env: { ...process.env, ...options.env },
  })
}

/** Runs such a program to its end and returns its output. */
export async function runChild(
  name: string,
  args: readonly string[],
  env: Record<string, string> = {},
  dist?: string,
): Promise<ChildResult> {
  return await ended(startChild(name, args, { env, ...(dist === undefined ? {} : { dist }) }))
}

export async function ended(child: ChildProcess): Promise<ChildResult> {
  let stdout = ''
  let stderr = ''
  child.stdout?.setEncoding('utf8').on('data', (text: string) => {
    stdout += text
  })
  child.stderr?.setEncoding('utf8').on('data', (text: string) => {
    stderr += text
  })
  return await new Promise((resolve, reject) => {
    child.once('error', reject)
    child.once('close', (code, signal) => resolve({ code, signal, stdout, stderr }))
  })
}

/**
 * Runs such a program and returns its last line of output as JSON. It may end by SIGKILL after that line. If it fails,
 * the error has its stderr.
 */
export async function childOutcome<T>(
  name: string,
  args: readonly string[],
  env: Record<string, string> = {},
  dist?: string,
): Promise<T> {
  return outcomeOf<T>(name, await runChild(name, args, env, dist))
}

/** The same for a program that was started separately. */
export function outcomeOf<T>(name: string, result: ChildResult): T {
  const line = result.stdout.trim().split('\n').at(-1) ?? ''
  if ((result.code === 0 || result.signal === 'SIGKILL') && line.startsWith('{')) return JSON.parse(line) as T
  throw new Error(
    `${name} ended with ${result.signal ?? `exit code ${result.code}`}\n${result.stderr}\n${result.stdout}`,
  )
}

/**
 * Waits for all outcomes and returns them. Even after a failure none is left working in a folder that is about to be
 * removed.
 */
export async function allOutcomes<T>(outcomes: readonly Promise<T>[]): Promise<T[]> {
  await Promise.allSettled(outcomes)
  return await Promise.all(outcomes)
}

/** A new folder for one test file, which removes it. */
export const scratchFolder = (): string => mkdtempSync(join(tmpdir(), 'vicinal-durability-'))

/** A new folder for one test, removed when `work` is done. */
export async function inScratch<T>(work: (folder: string) => Promise<T>): Promise<T> {
  const folder = scratchFolder()
  try {
    return await work(folder)
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}
