import { readFileSync } from 'node:fs'
import { parseArgs } from 'node:util'
import { VicinalError } from '../core/errors.js'
import { UsageError } from '../terminal/usage-error.js'
import { MAX_PORT, type Setting } from './settings.js'

type Value = string | number | boolean | string[] | undefined
export interface Parsed<Name extends string> {
  /** Arguments that are not flags. */
  files: string[]
  text(name: Name): string | undefined
  integer(name: Name): number | undefined
  isOn(name: Name): boolean
  list(name: Name): string[]
  /** Where the value was given; null for a default. */
  source(name: Name): 'flag' | 'environment' | 'file' | null
}

export function parseSettings<Name extends string>(
  table: Readonly<Record<Name, Setting>>,
  args: string[],
  environment: NodeJS.ProcessEnv = process.env,
): Parsed<Name> {
  const { flags, files } = parseFlags(table, args)
  const configPath = flags.config ?? environment.VICINAL_CONFIG
  const fromFile = 'config' in table && typeof configPath === 'string' ? readConfig(table, configPath) : {}
  const values = new Map<Name, Value>()
  const sources = new Map<Name, 'flag' | 'environment' | 'file'>()
  for (const name of Object.keys(table) as Name[]) {
    const entry = table[name]
    const given = {
      flag: (entry.flag && read(entry, flags[entry.flag], `--${entry.flag}`)) ?? undefined,
      environment: read(entry, environment[entry.environment], entry.environment),
      file: (entry.key && read(entry, fromFile[entry.key], `settings file: ${entry.key}`)) ?? undefined,
    }
    const source = (['flag', 'environment', 'file'] as const).find((one) => given[one] !== undefined)
    if (source) sources.set(name, source)
    values.set(name, (source && given[source]) ?? entry.fallback ?? undefined)
  }
  return {
    files,
    text: (name) => values.get(name) as string | undefined,
    integer: (name) => values.get(name) as number | undefined,
    isOn: (name) => values.get(name) === true,
    list: (name) => (values.get(name) as string[] | undefined) ?? [],
    source: (name) => sources.get(name) ?? null,
  }
}

function parseFlags(table: Readonly<Record<string, Setting>>, args: string[]) {
  const options: Record<string, { type: 'string' | 'boolean'; multiple?: boolean }> = {}
  for (const { flag, kind } of Object.values(table)) {
    if (flag) options[flag] = { type: kind === 'switch' ? 'boolean' : 'string', multiple: kind === 'list' }
  }
  try {
    const { values, positionals } = parseArgs({ args, options, allowPositionals: true })
    return { flags: values as Record<string, unknown>, files: positionals }
  } catch (cause) {
    throw new UsageError((cause as Error).message.split('. ')[0])
  }
}

function readConfig(table: Readonly<Record<string, Setting>>, file: string): Record<string, unknown> {
  let parsed: unknown
  try {
    parsed = JSON.parse(readFileSync(file, 'utf8'))
  } catch (cause) {
    throw new UsageError(`settings file ${file}: ${(cause as Error).message}`)
  }
  if (typeof parsed !== 'object' || parsed === null || Array.isArray(parsed)) {
    throw new UsageError(`settings file ${file}: expected an object`)
  }
  const known = new Set(Object.values(table).map((entry) => entry.key))
  const unknown = Object.keys(parsed).find((key) => !known.has(key))
  if (unknown !== undefined) throw new UsageError(`settings file ${file}: unknown key ${unknown}`)
  return parsed as Record<string, unknown>
}

/** One value from a flag, the environment or the file, in the setting's type; undefined when not given. */
function read(entry: Setting, value: unknown, source: string): Value {
  if (value === undefined || value === '') return undefined
  switch (entry.kind) {
    case 'text':
      if (typeof value === 'string') return value
      throw new UsageError(`${source}: expected a text, got ${typeof value}`)
    case 'list':
      if (typeof value === 'string') return value.split(',').map((part) => part.trim())
      if (Array.isArray(value) && value.every((part) => typeof part === 'string')) return value as string[]
      throw new UsageError(`${source}: expected a list of texts`)
    case 'switch':
      if (typeof value === 'boolean') return value
      if (value === 'true' || value === '1') return true
      if (value === 'false' || value === '0') return false
      throw new UsageError(`${source}: expected true or false, got ${String(value)}`)
    case 'integer': {
      const number = typeof value === 'string' && /^\d+$/.test(value) ? Number(value) : value
      if (typeof number === 'number' && Number.isSafeInteger(number) && number >= 0)
        return checkPort(entry, number, source)
      throw new UsageError(`${source}: expected a whole number, got ${String(value)}`)
    }
  }
}

function checkPort(entry: Setting, value: number, source: string): number {
  if (entry.flag === 'port' && value > MAX_PORT)
    throw new UsageError(`${source}: expected at most ${MAX_PORT}, got ${value}`)
  return value
}

/** Keys from the environment variable and from the file, without duplicates and blank lines. */
export function readKeys(inline: string | undefined, file: string | undefined): string[] {
  const text = file === undefined ? '' : readTextFile(file)
  if (file !== undefined && keysIn(undefined, text).length === 0) throw new UsageError(`${file}: no key in it`)
  return keysIn(inline, text)
}

/** `text` is the content of a key file, with one key a line. */
export function keysIn(inline: string | undefined, text: string): string[] {
  const keys = [...(inline?.split(',') ?? []), ...text.split('\n')].map((key) => key.trim())
  return [...new Set(keys.filter((key) => key !== ''))]
}

export function readTextFile(file: string): string {
  try {
    return readFileSync(file, 'utf8')
  } catch (cause) {
    throw new VicinalError('IO_FAILED', `${file}: ${(cause as Error).message}`, { cause })
  }
}
