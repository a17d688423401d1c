import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { CollectionMemory } from '../../src/core/memory.js'
import { childOutcome, scratchFolder } from '../durability/child.js'
import { vicinal } from '../unit/cli/process.js'

/** As in test/durability/children/memory-holder.ts. */
const POINTS = 60_000
const SIZE = 256

interface Held {
  memory: CollectionMemory
  /** From /proc/self/smaps_rollup. */
  residentBytes: number
  points: number
}

const folder = scratchFolder()
const data = join(folder, 'data')
afterAll(() => rm(folder, { recursive: true }))

const holder = (mode: string) => childOutcome<Held>('memory-holder', [mode, data])

/** Memory that the table accounts for: everything except its row "other". */
const named = ({ memory }: Held) => memory.process.residentBytes - memory.process.otherBytes

describe.skipIf(process.platform !== 'linux')('the table of memory', () => {
  let empty: Held
  let built: Held
  let reopened: Held
  beforeAll(async () => {
    empty = await holder('empty')
    built = await holder('build')
    reopened = await holder('reopen')
  })

  test.each([
    ['just built', () => built],
    ['reopened', () => reopened],
  ])('adds up to the growth of resident memory over an empty process, within 10 %%: %s', (_, held) => {
    expect(held().points).toBe(POINTS)
    const grown = held().residentBytes - empty.residentBytes
    expect(grown).toBeGreaterThan(POINTS * SIZE * 4)
    const accounted = named(held()) - named(empty)
    expect(Math.abs(accounted - grown)).toBeLessThan(0.1 * grown)
  })

  test('the parts of a collection add up to its total, and to most of the memory of a process that only opened it', () => {
    for (const { memory } of [built, reopened]) {
      const { vectors, total, process: whole, ...parts } = memory
      const sum = [
        ...Object.values(parts),
        ...Object.values(vectors).flatMap(({ inFilesBytes: _, ...rest }) => Object.values(rest)),
      ]
      for (const key of ['bytes', 'residentBytes', 'cacheBytes'] as const) {
        expect(sum.reduce((all, part) => all + part[key], 0)).toBe(total[key])
      }
      expect(whole.collectionsBytes).toBe(total.residentBytes)
    }
    expect(reopened.memory.total.residentBytes).toBeGreaterThan(0.8 * (reopened.residentBytes - empty.residentBytes))
  })

  test('tells memory of the process from the cache of mapped files', () => {
    const bytes = POINTS * SIZE * 4
    expect(built.memory.vectors['']?.vectors).toMatchObject({ bytes, cacheBytes: 0 })
    expect(built.memory.vectors['']?.vectors.residentBytes).toBeGreaterThan(0.99 * bytes)
    const { vectors, codes, graph } = reopened.memory.vectors[''] as CollectionMemory['vectors'][string]
    // Codes are copied into huge pages from 16 MiB on (docs/design/memory.md), and which codes these vectors get is
    // measured.
    expect(codes.residentBytes).toBeLessThan(1.1 * codes.bytes)
    for (const part of [vectors, graph, reopened.memory.payload]) {
      expect(part.bytes).toBeGreaterThan(1_000_000)
      expect(part.residentBytes - part.cacheBytes).toBeLessThan(0.1 * part.bytes)
    }
    expect(reopened.memory.payloadIndexes.residentBytes).toBeGreaterThan(POINTS * 8)
  })

  test('vicinal inspect prints the memory table', async () => {
    const { code, stdout } = await vicinal(['inspect', data], folder)
    expect(code).toBe(0)
    expect(stdout).toMatch(/memory of held, once opened\n +held +in RAM +of it cache\n/)
    expect(stdout).toMatch(/\n +vectors +61\.4 MB +\d/)
    expect(stdout).toMatch(/\n +total +\d+\.\d MB/)
  })
})
