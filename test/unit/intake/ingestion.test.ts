import { describe, expect, it } from 'vitest'
import { type ErrorCode, VicinalError } from '../../../src/core/errors.js'
import { LIMITS } from '../../../src/core/limits.js'
import { type IngestBatch, type IngestSink, ingestStream } from '../../../src/intake/ingestion.js'

const TYPE = { type: 'application/x-ndjson' } as const
const lineOf = (id: number) => Buffer.from(`{"id":${id},"vector":[1]}\n`)

function* rows(count: number, onRow: (row: number) => void = () => {}): Generator<Buffer> {
  for (let row = 0; row < count; row++) {
    onRow(row)
    yield lineOf(row)
  }
}

function sinkOf(write: (batch: IngestBatch) => Promise<void>): IngestSink {
  return {
    position: async () => 0,
    shape: async () => ({ vectors: [''] }),
    async write(batch) {
      await write(batch)
      return { accepted: batch.points.length, rejected: [] }
    },
  }
}

const refusal = (code: ErrorCode) => new VicinalError(code, 'full', { retryAfterMs: 1 })

describe('a stream', () => {
  it('is not read on while a full engine refuses its batch, and ends whole', async () => {
    let read = 0
    let attempts = 0
    const readAt: number[] = []
    const sink = sinkOf(async () => {
      attempts++
      readAt.push(read)
      if (attempts % 20 !== 0) throw refusal('OVERLOADED')
    })
    const count = 5 * LIMITS.ingestBatchRows
    const result = await ingestStream(
      rows(count, (row) => (read = row)),
      TYPE,
      sink,
    )
    expect(result).toEqual({ accepted: count, rejected: 0, position: count, errors: [] })
    // One batch is written, and no more than the next one is in memory.
    for (const [at, seen] of readAt.entries())
      expect(seen).toBeLessThanOrEqual((Math.floor(at / 20) + 2) * LIMITS.ingestBatchRows + 1)
  })

  it('ends with an error that does not pass, and says how far it came', async () => {
    let batches = 0
    const sink = sinkOf(async () => {
      if (++batches === 3) throw new VicinalError('CLOSED', 'the collection is closed')
    })
    const ended = ingestStream(rows(10 * LIMITS.ingestBatchRows), TYPE, sink)
    const position = 2 * LIMITS.ingestBatchRows
    await expect(ended).rejects.toMatchObject({ code: 'CLOSED', details: { accepted: position, position } })
  })

  it('writes its batches one after the other, in the order of its rows', async () => {
    let underWay = 0
    let next = 0
    const sink = sinkOf(async ({ rows, from, to }) => {
      expect(++underWay).toBe(1)
      expect([from, rows[0], rows.at(-1)]).toEqual([next, next, to - 1])
      next = to
      await new Promise((resolve) => setImmediate(resolve))
      underWay--
    })
    await ingestStream(rows(3 * LIMITS.ingestBatchRows + 7), TYPE, sink)
    expect(next).toBe(3 * LIMITS.ingestBatchRows + 7)
  })

  it('gives back every byte that it held, whatever ends it', async () => {
    for (const isBroken of [false, true]) {
      let held = 0
      let most = 0
      const hold = (bytes: number) => {
        held += bytes
        most = Math.max(most, held)
      }
      const sink = sinkOf(async () => {
        if (isBroken) throw new VicinalError('CLOSED', 'the collection is closed')
      })
      function* torn() {
        for (const line of rows(2 * LIMITS.ingestBatchRows))
          for (const half of [line.subarray(0, 5), line.subarray(5)]) yield half
      }
      await ingestStream(torn(), TYPE, sink, { frameBytes: 1_000_000, hold }).catch(() => undefined)
      expect(most).toBeGreaterThan(0)
      // A stream that breaks leaves what it gathered to the garbage, and the service to the end of the request.
      if (!isBroken) expect(held).toBe(0)
    }
  })
})
