import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import { VicinalError } from '../../../src/core/errors.js'
import { LIMITS } from '../../../src/core/limits.js'
import { Writer, type WriterParts } from '../../../src/engine/collection/writer.js'
import { overloaded } from '../../../src/engine/limits/overloaded.js'
import { patiently } from '../../../src/intake/patience.js'

beforeEach(() => {
  vi.useFakeTimers()
})
afterEach(() => {
  vi.useRealTimers()
})

const FULL = new VicinalError('DISK_FULL', 'no space is left')

/** The outcome of a write that fails so for ever, after a time. */
async function outcomeOf(error: VicinalError, afterMs: number): Promise<unknown> {
  const signal = new AbortController()
  let outcome: unknown = 'waits'
  const ended = patiently(() => Promise.reject(error), signal.signal).catch((reason: unknown) => {
    outcome = reason
  })
  await vi.advanceTimersByTimeAsync(afterMs)
  const found = outcome
  signal.abort()
  await vi.advanceTimersByTimeAsync(10_000)
  await ended
  return found
}

it('a stream waits without end while room is on its way', async () => {
  expect(await outcomeOf(overloaded('bytes', 1, 2), 10 * LIMITS.ingestWaitMs)).toBe('waits')
})

it('a stream waits for a minute where nothing makes room', async () => {
  for (const error of [FULL, overloaded('bytes', 1, 2, FULL)]) {
    expect(await outcomeOf(error, LIMITS.ingestWaitMs / 2)).toBe('waits')
    expect(await outcomeOf(error, LIMITS.ingestWaitMs + 5_000)).toBe(error)
  }
})

it('a writer whose log is full tells why its flush failed, until one succeeds', async () => {
  let failure: Error | null = FULL
  const writer = new Writer({
    shard: { tailBytes: () => 0 },
    log: { bytes: LIMITS.logBytes + 1 },
    onLogFull: async () => {
      if (failure) throw failure
    },
  } as unknown as WriterParts)
  const refusal = async () => {
    await vi.advanceTimersByTimeAsync(1)
    try {
      writer.admit()
      return null
    } catch (error) {
      return error as VicinalError
    }
  }
  expect((await refusal())?.cause).toBeUndefined()
  expect((await refusal())?.cause).toBe(FULL)
  failure = null
  await refusal()
  expect((await refusal())?.cause).toBeUndefined()
})
