#!/usr/bin/env node
import { readFileSync } from 'node:fs'
import { VicinalError } from '../core/errors.js'
import { hideStores } from '../storage/lance-native.js'
import { UsageError } from '../terminal/usage-error.js'
import {
  CONSOLE_SETTINGS,
  EXPORT_SETTINGS,
  helpLines,
  IMPORT_SETTINGS,
  QUALITY_SETTINGS,
  RESTORE_SETTINGS,
  SERVE_SETTINGS,
  TOKEN_SETTINGS,
  TUNE_SETTINGS,
} from './settings.js'

/** Exit codes: 0 done, 1 failed or damage found, 2 wrong usage. */
const FAILED = 1
const MISUSED = 2

const HELP = {
  serve: ['vicinal serve [flags]', 'Serves a data folder over HTTP.', ...helpLines(SERVE_SETTINGS)],
  health: [
    'vicinal health [flags]',
    'Checks whether the service with the same settings, TLS included, is alive. Exit code 1: it is not.',
    'Takes the flags and variables of serve: --config, --host, --port, --tls-cert.',
  ],
  import: [
    'vicinal import FILE... --collection NAME [flags]',
    'Imports Parquet, Arrow, JSON, CSV, .npy, .fbin, .fvecs, hnswlib or Lance files, or a collection of a Qdrant.',
    '- is standard input; gzip is unpacked. The same command resumes an import that was stopped.',
    ...helpLines(IMPORT_SETTINGS),
  ],
  export: [
    'vicinal export FILE --collection NAME [flags]',
    'Exports a collection, or a part of it, as Parquet, Arrow or JSON lines; - is standard output.',
    'The folder may be in use by a service.',
    ...helpLines(EXPORT_SETTINGS),
  ],
  tune: [
    'vicinal tune COLLECTION [flags]',
    'Measures codes and graphs on your own vectors. Applies the fastest that reaches the recall within the memory.',
    ...helpLines(TUNE_SETTINGS),
  ],
  quality: [
    'vicinal quality COLLECTION [flags]',
    'Tells what the data is like: lengths, duplicates, hubs, intrinsic dimension, drift. The folder may be in use.',
    ...helpLines(QUALITY_SETTINGS),
  ],
  restore: [
    'vicinal restore SNAPSHOT [flags]',
    'Restores a snapshot into a data folder that no process writes to. --force replaces a collection of its name.',
    ...helpLines(RESTORE_SETTINGS),
  ],
  console: [
    'vicinal console FOLDER [flags]',
    'Shows a data folder in the browser, on this machine alone, and changes nothing. A process may write to it meanwhile.',
    ...helpLines(CONSOLE_SETTINGS),
  ],
  token: [
    'vicinal token --access r --collection NAME --expires 1h',
    'Prints a token for a service that runs with --jwt-rbac and the same API key.',
    ...helpLines(TOKEN_SETTINGS),
  ],
  inspect: [
    'vicinal inspect FOLDER',
    'Describes a data folder that no process writes to, and verifies its checksums. Exit code 1: damage found.',
  ],
} as const

const COMMANDS: Record<keyof typeof HELP, (args: string[]) => Promise<number>> = {
  serve: async (args) => (await import('./serve.js')).serve(args),
  health: async (args) => (await import('./health.js')).health(args),
  import: async (args) => (await import('./import.js')).importFiles(args),
  export: async (args) => (await import('./export.js')).exportCollection(args),
  tune: async (args) => (await import('./tune.js')).tune(args),
  quality: async (args) => (await import('./quality.js')).quality(args),
  restore: async (args) => (await import('./restore.js')).restore(args),
  console: async (args) => (await import('./console.js')).showConsole(args),
  token: async (args) => (await import('./token.js')).token(args),
  inspect: async (args) => (await import('./inspect.js')).inspect(args),
}

async function main(args: string[]): Promise<number> {
  const [first, ...rest] = args
  if (first === '--version' || first === '-v') return print([`vicinal ${version()}`])
  const wantsHelp = rest.includes('--help') || rest.includes('-h')
  if (first === undefined || first === '--help' || first === '-h' || first === 'help') {
    return print(isCommand(rest[0]) ? HELP[rest[0]] : overview())
  }
  if (!isCommand(first)) throw new UsageError(`no command ${first}; there are ${Object.keys(HELP).join(', ')}`)
  return wantsHelp ? print(HELP[first]) : COMMANDS[first](rest)
}

function isCommand(name: string | undefined): name is keyof typeof HELP {
  return name !== undefined && Object.hasOwn(HELP, name)
}

function overview(): string[] {
  const usages = Object.values(HELP).map(([usage, about]) => `  ${usage}\n      ${about}`)
  return [
    `vicinal ${version()}: nearest neighbours, as a library and as a service`,
    '',
    ...usages,
    '',
    'Run vicinal COMMAND --help for the flags of a command.',
  ]
}

function print(lines: readonly string[]): number {
  process.stdout.write(`${lines.join('\n')}\n`)
  return 0
}

function version(): string {
  return (JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')) as { version: string })
    .version
}

// `serve` may have a store, and hides it once its address is read.
if (process.argv[2] !== 'serve') hideStores()
try {
  process.exitCode = await main(process.argv.slice(2))
} catch (error) {
  process.exitCode = error instanceof UsageError ? MISUSED : FAILED
  // An error of the operating system, such as a port in use, is not our bug: its message is enough.
  const isRefused = (error as NodeJS.ErrnoException).syscall !== undefined
  const known = error instanceof UsageError || error instanceof VicinalError || isRefused
  const code = error instanceof VicinalError ? `${error.code}: ` : ''
  process.stderr.write(`vicinal: ${known ? code + (error as Error).message : (error as Error).stack}\n`)
}
