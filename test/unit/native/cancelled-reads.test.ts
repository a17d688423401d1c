/** Reads that are cancelled while they wait for a thread of the pool. */
import { expect, onTestFinished, test } from 'vitest'
import { CallScope } from '../../../src/engine/collection/call-scope.js'
import { compileFilter } from '../../../src/filter/program.js'
import { Shard } from '../../../src/native/shard.js'
import { sequence, spec, texts } from './shard-data.js'

const ROWS = 300
/** Far more than the pool has threads. Each is too short to look at its cancellation once it has begun. */
const READS = 400

test('a read that was cancelled while it waited does not begin', async () => {
  const shard = new Shard(spec(1))
  onTestFinished(() => shard.close())
  const vectors = [{ vector: 0, data: Float32Array.from({ length: ROWS }, () => 1), rows: null }]
  const payloads = texts(Array.from({ length: ROWS }, (_, at) => ({ text: `the text number ${at}` })))
  await shard.upsert({ ids: sequence(0, ROWS), seq: 1, vectors, payloads })
  const cancelled = new CallScope()
  const counts = Array.from({ length: READS }, (_, at) => {
    const must = Array.from({ length: 8 }, (_, other) => ({
      key: 'text',
      match: { prefix: `the text ${at} ${other}` },
    }))
    return shard.count(compileFilter({ should: must }, { vectorNames: [''] }), cancelled.signal)
  })
  cancelled.stop()
  const outcomes = await Promise.allSettled(counts)
  const refused = outcomes.flatMap((outcome) => (outcome.status === 'rejected' ? [outcome.reason.code] : []))
  expect(new Set(refused)).toEqual(new Set(['CANCELLED']))
})
