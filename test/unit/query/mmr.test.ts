import { describe, expect, it } from 'vitest'
import type { SchemaVector } from '../../../src/core/schema.js'
import { Stop } from '../../../src/core/stop.js'
import { chooseDiverse } from '../../../src/query/mmr.js'
import { similaritiesOf } from '../../../src/query/similarities.js'
import { Turns } from '../../../src/query/turns.js'

/** Each step of the selection is far shorter than a turn; all of them together are not. */
const COUNT = 3_000
const SIZE = 4
const candidates = similaritiesOf(
  { name: 'v', size: SIZE, distance: 'Dot' } as SchemaVector,
  new Float32Array(SIZE).fill(1),
  { data: Float32Array.from({ length: COUNT * SIZE }, (_, i) => Math.sin(i)), counts: new Uint32Array(COUNT).fill(1) },
  COUNT,
)

describe('the selection of diverse points', () => {
  it('lets other work run between its steps', async () => {
    let turns = 0
    const timer = setInterval(() => {
      turns += 1
    }, 0)
    await chooseDiverse(candidates, 0.5, COUNT)
    clearInterval(timer)
    // In one piece it would have none.
    expect(turns).toBeGreaterThan(1)
  })

  it('ends soon after its call was stopped', async () => {
    const call = new Stop()
    const reason = new Error('enough')
    setImmediate(() => call.stop(reason))
    await expect(chooseDiverse(candidates, 0.5, COUNT, call)).rejects.toBe(reason)
  })

  it('has one clock for all its loops', async () => {
    const call = new Stop()
    call.stop(new Error('enough'))
    const turns = new Turns(call)
    const wait = () => {
      const until = performance.now() + 0.5
      while (performance.now() < until);
    }
    const loops = async () => {
      for (let loop = 0; loop < 20; loop++) await turns.each(1, wait)
    }
    await expect(loops()).rejects.toThrow('enough')
  })
})
