/** The table of memory on the wire: the names of core/memory.ts in snake case. */
import {
  COLLECTION_PARTS,
  type CollectionMemory,
  type MemoryPart,
  type ProcessMemory,
  VECTOR_PARTS,
  type VectorMemory,
} from '../core/memory.js'

type WireRecord = Record<string, unknown>

export function memoryToWire(memory: CollectionMemory): object {
  const vectors = Object.entries(memory.vectors).map(([name, vector]) => [name, partsToWire(vector, VECTOR_PARTS)])
  return {
    vectors: Object.fromEntries(vectors),
    ...partsToWire(memory, COLLECTION_PARTS),
    total: toSnake(memory.total),
    process: toSnake(memory.process),
  }
}

export function memoryOfWire(wire: unknown): CollectionMemory {
  const memory = wire as WireRecord & { vectors: Record<string, WireRecord> }
  const vectors = Object.entries(memory.vectors).map(([name, vector]) => [name, partsOfWire(vector, VECTOR_PARTS)])
  return {
    ...partsOfWire(memory, COLLECTION_PARTS),
    vectors: Object.fromEntries(vectors) as Record<string, VectorMemory>,
    total: toCamel(memory.total as WireRecord) as unknown as MemoryPart,
    process: toCamel(memory.process as WireRecord) as unknown as ProcessMemory,
  } as CollectionMemory
}

function partsToWire(from: object, parts: readonly string[]): WireRecord {
  const record = from as WireRecord
  const flat = typeof record.inFilesBytes === 'number' ? { in_files_bytes: record.inFilesBytes } : {}
  return { ...Object.fromEntries(parts.map((part) => [snake(part), toSnake(record[part] as object)])), ...flat }
}

function partsOfWire(from: WireRecord, parts: readonly string[]): WireRecord {
  const flat = typeof from.in_files_bytes === 'number' ? { inFilesBytes: from.in_files_bytes } : {}
  return { ...Object.fromEntries(parts.map((part) => [part, toCamel(from[snake(part)] as WireRecord)])), ...flat }
}

function toSnake(record: object): WireRecord {
  return Object.fromEntries(Object.entries(record).map(([key, value]) => [snake(key), value]))
}

function toCamel(record: WireRecord): WireRecord {
  const camel = (key: string) => key.replace(/_(\w)/g, (_, letter: string) => letter.toUpperCase())
  return Object.fromEntries(Object.entries(record).map(([key, value]) => [camel(key), value]))
}

function snake(key: string): string {
  return key.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`)
}
