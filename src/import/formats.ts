import { extname } from 'node:path'
import { UsageError } from '../terminal/usage-error.js'
import type { Source } from './source.js'
import { STANDARD_INPUT } from './stream-bytes.js'

/** Loaded only when needed: the Parquet reader brings 5 MB of WebAssembly. */
const READERS = {
  parquet: async (path: string) => (await import('./parquet.js')).openParquet(path),
  arrow: async (path: string) => (await import('./arrow.js')).openArrow(path),
  json: async (path: string) => (await import('./json.js')).openJson(path),
  csv: async (path: string) => (await import('./csv.js')).openCsv(path),
  npy: async (path: string) => (await import('./matrix.js')).openNpy(path),
  fbin: async (path: string) => (await import('./matrix.js')).openFbin(path),
  fvecs: async (path: string) => (await import('./matrix.js')).openFvecs(path),
  hnswlib: async (path: string) => (await import('./hnswlib.js')).openHnswlib(path),
  lance: async (path: string) => (await import('./lance.js')).openLance(path),
  qdrant: async (url: string, apiKey?: string) => (await import('./qdrant.js')).openQdrant(url, apiKey),
} as const satisfies Record<string, (path: string, apiKey?: string) => Promise<Source>>

export type Format = keyof typeof READERS
/** Formats of files; `jsonl` is another name of `json`. */
export const FORMATS = ['parquet', 'arrow', 'json', 'jsonl', 'csv', 'npy', 'fbin', 'fvecs', 'hnswlib', 'lance'] as const
/** Formats that can only be read from beginning to end. */
const STREAMED: ReadonlySet<Format> = new Set(['arrow', 'json', 'csv'])

const EXTENSIONS: Readonly<Record<string, Format>> = {
  '.parquet': 'parquet',
  '.arrow': 'arrow',
  '.arrows': 'arrow',
  '.feather': 'arrow',
  '.ipc': 'arrow',
  '.json': 'json',
  '.jsonl': 'json',
  '.ndjson': 'json',
  '.csv': 'csv',
  '.tsv': 'csv',
  '.npy': 'npy',
  '.fbin': 'fbin',
  '.fvecs': 'fvecs',
  '.hnsw': 'hnswlib',
  '.lance': 'lance',
}
const GZIP = /\.gz$/i

export function formatOf(path: string, asked: string | undefined): Format {
  const format = asked === undefined ? formatOfName(path) : formatOfFlag(asked)
  const isStream = path === STANDARD_INPUT || GZIP.test(path)
  if (isStream && !STREAMED.has(format)) {
    const what = path === STANDARD_INPUT ? 'standard input' : path
    throw new UsageError(
      `${what}: ${format} is read by position; give an unpacked file (${[...STREAMED].join(', ')} stream)`,
    )
  }
  return format
}

function formatOfFlag(asked: string): Format {
  if (!FORMATS.some((name) => name === asked)) {
    throw new UsageError(`--format: expected one of ${FORMATS.join(', ')}, got ${asked}`)
  }
  return asked === 'jsonl' ? 'json' : (asked as Format)
}

function formatOfName(path: string): Format {
  const format = EXTENSIONS[extname(path.replace(GZIP, '').replace(/\/+$/, '')).toLowerCase()]
  if (format) return format
  const what = path === STANDARD_INPUT ? 'standard input' : `${path}: unknown ending`
  throw new UsageError(`${what}; set --format ${FORMATS.join('|')}`)
}

/** `apiKey` is for a service to read from. */
export function openSource(path: string, format: Format, apiKey?: string): Promise<Source> {
  return READERS[format](path, apiKey)
}
