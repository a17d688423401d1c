import { extname } from 'node:path'
import { UsageError } from '../terminal/usage-error.js'
import type { Source } from './source.js'

export const FORMATS = ['parquet', 'arrow', 'jsonl', 'npy', 'fbin', 'fvecs'] as const
export type Format = (typeof FORMATS)[number]

const EXTENSIONS: Record<string, Format> = {
  '.parquet': 'parquet',
  '.arrow': 'arrow',
  '.arrows': 'arrow',
  '.feather': 'arrow',
  '.ipc': 'arrow',
  '.jsonl': 'jsonl',
  '.ndjson': 'jsonl',
  '.npy': 'npy',
  '.fbin': 'fbin',
  '.fvecs': 'fvecs',
}

export function formatOf(path: string, asked: string | undefined): Format {
  if (asked !== undefined) {
    const format = FORMATS.find((name) => name === asked)
    if (!format) throw new UsageError(`--format: expected one of ${FORMATS.join(', ')}, got ${asked}`)
    return format
  }
  const format = EXTENSIONS[extname(path).toLowerCase()]
  if (!format) throw new UsageError(`${path}: unknown ending; set --format ${FORMATS.join('|')}`)
  return format
}

/** Loads readers only when needed: the Parquet reader brings 5 MB of WebAssembly. */
export async function openSource(path: string, format: Format): Promise<Source> {
  switch (format) {
    case 'parquet':
      return (await import('./parquet.js')).openParquet(path)
    case 'arrow':
      return (await import('./arrow.js')).openArrow(path)
    case 'jsonl':
      return (await import('./jsonl.js')).openJsonLines(path)
    case 'npy':
      return (await import('./matrix.js')).openNpy(path)
    case 'fbin':
      return (await import('./matrix.js')).openFbin(path)
    case 'fvecs':
      return (await import('./matrix.js')).openFvecs(path)
  }
}
