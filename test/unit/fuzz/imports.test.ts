/**
 * Nearly valid import files: they are read, or refused with an error of ours, within their time. The metadata of Arrow
 * and all of Parquet are left to their own libraries, which may exhaust memory or end their WebAssembly on damage.
 */
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import * as arrow from 'apache-arrow'
import { expect, it } from 'vitest'
import { VicinalError } from '../../../src/core/errors.js'
import type { Format } from '../../../src/import/formats.js'
import { Mutations } from '../../oracle/mutations.js'
import { processCpuMs } from '../cpu.js'
import * as files from '../import/sample-files.js'

const RUNS = 1_500
/** CPU of one execution. */
const MOST_MS = 5_000
const MINUTES = 1_800_000
const ROWS = 12

const mutations = new Mutations('imports')

type Damage = (whole: Buffer) => Buffer
const anywhere: Damage = (whole) => mutations.bytes([whole])
/** Ends anywhere, or has other lengths in front of its messages. */
const inFrames: Damage = (whole) => {
  if (mutations.below(2) === 0) return whole.subarray(0, mutations.below(whole.length))
  const starts = []
  for (let at = 0; at + 8 < whole.length; at += 4) if (whole.readUInt32LE(at) === 0xffff_ffff) starts.push(at)
  const bytes = Buffer.from(whole)
  bytes.writeInt32LE(mutations.pick([0, 1, 8, -1, 255, 65_536, 0x7fffffff, -0x80000000]), mutations.pick(starts) + 4)
  return bytes
}
const arrowAs = (kind: 'file' | 'stream') => (path: string) =>
  writeFileSync(path, arrow.tableToIPC(files.arrowTable(ROWS, 5), kind))

it.each<[string, Format, Damage, (path: string) => void]>([
  ['an Arrow file', 'arrow', inFrames, arrowAs('file')],
  ['an Arrow stream', 'arrow', inFrames, arrowAs('stream')],
  ['JSON lines', 'json', anywhere, (path) => files.writeJsonLines(path, ROWS)],
  ['.npy', 'npy', anywhere, (path) => files.writeNpy(path, ROWS)],
  ['.fbin', 'fbin', anywhere, (path) => files.writeFbin(path, ROWS)],
  ['.fvecs', 'fvecs', anywhere, (path) => files.writeFvecs(path, ROWS)],
])('%s', { timeout: MINUTES }, async (_, format, damage, write) => {
  const path = join(files.temporaryFolder(), 'damaged')
  write(path)
  const whole = readFileSync(path)
  let read = 0
  for (let i = 0; i < RUNS; i++) {
    const bytes = damage(whole)
    writeFileSync(path, bytes)
    const startedMs = processCpuMs()
    try {
      await files.readAll(path, format)
      read++
    } catch (error) {
      const isOurs = error instanceof VicinalError && ['INVALID_ARGUMENT', 'TOO_LARGE'].includes(error.code)
      if (!isOurs) throw new Error(`execution ${i}: ${(error as Error).stack}\nof ${bytes.toString('base64')}`)
    }
    expect(processCpuMs() - startedMs).toBeLessThan(MOST_MS)
  }
  expect(read).toBeGreaterThan(0)
})
