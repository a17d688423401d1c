import { type CollectionMemory, type MemoryPart, partsOf } from '../core/memory.js'
import { formatBytes } from '../terminal/format-bytes.js'

const COLUMN = 12

/** A collection's memory as lines of a table: bytes held, bytes in RAM, and the part of these that is file cache. */
export function memoryLines(memory: CollectionMemory): string[] {
  const rows = [...partsOf(memory)].filter(([, part]) => part.bytes > 0 || part.residentBytes > 0)
  const inFiles = Object.values(memory.vectors).reduce((sum, { inFilesBytes }) => sum + inFilesBytes, 0)
  const named: [string, MemoryPart][] = [...rows, ['total', memory.total]]
  const width = Math.max(...named.map(([name]) => name.length))
  return [
    line('', ['held', 'in RAM', 'of it cache'], width),
    ...named.map(([name, { bytes, residentBytes, cacheBytes }]) =>
      line(name, [bytes, residentBytes, cacheBytes].map(formatBytes), width),
    ),
    ...(inFiles > 0 ? [`${formatBytes(inFiles)} of vectors stay in the segment files`] : []),
  ]
}

function line(name: string, columns: readonly string[], width: number): string {
  return name.padEnd(width) + columns.map((column) => column.padStart(COLUMN)).join('')
}
