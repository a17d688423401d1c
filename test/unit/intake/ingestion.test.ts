import {
  Field,
  FixedSizeList,
  Float32,
  Int32,
  List,
  makeData,
  RecordBatch,
  Schema,
  Struct,
  Table,
  tableToIPC,
} from 'apache-arrow'
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
    verdicts: async () => new Map(),
    shape: async () => ({ vectors: [''] }),
    async write(batch) {
      await write(batch)
      return { accepted: batch.rows.length, refused: batch.unread, counts: null, recent: null }
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

describe('rows without bytes', () => {
  /** Each row has a million vectors of no numbers, in a stream of some hundred bytes. */
  function emptyVectors(rows: number): Uint8Array {
    const each = 1_048_576
    const inner = new FixedSizeList(0, new Field('item', new Float32(), false))
    const outer = new List(new Field('item', inner, false))
    const floats = makeData({ type: new Float32(), length: 0, nullCount: 0, data: new Float32Array(0) })
    const vectors = makeData({ type: inner, length: rows * each, nullCount: 0, child: floats })
    const valueOffsets = Int32Array.from({ length: rows + 1 }, (_, i) => i * each)
    const lists = makeData({ type: outer, length: rows, nullCount: 0, valueOffsets, child: vectors })
    const data = Int32Array.from({ length: rows }, (_, i) => i)
    const ids = makeData({ type: new Int32(), length: rows, nullCount: 0, data })
    const schema = new Schema([new Field('id', new Int32(), false), new Field('vector', outer, false)])
    const struct = makeData({ type: new Struct(schema.fields), length: rows, nullCount: 0, children: [ids, lists] })
    return tableToIPC(new Table(schema, [new RecordBatch(schema, struct)]), 'stream')
  }

  it('of Arrow are refused at their first vector', async () => {
    const stream = emptyVectors(1000)
    expect(stream.length).toBeLessThan(16_384)
    const result = await ingestStream(
      [stream],
      { type: 'application/vnd.apache.arrow.stream' },
      sinkOf(async () => {}),
    )
    expect(result).toMatchObject({ accepted: 0, rejected: 1000 })
    expect(result.errors[0]?.error).toBe('vector[0]: expected a vector that is not empty')
  })

  it.each([
    ['application/x-ndjson', '1\n'],
    ['application/msgpack', '\xc0'],
  ] as const)('of %s, each refused, let the event loop turn', async (type, row) => {
    let turns = 0
    const timer = setInterval(() => turns++, 0)
    const piece = Buffer.from(row.repeat(65_536 / row.length), 'latin1')
    const result = await ingestStream(
      [piece],
      { type },
      sinkOf(async () => {}),
    )
    clearInterval(timer)
    expect(result.rejected).toBe(65_536 / row.length)
    expect(turns).toBeGreaterThan(10)
  })
})
