import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it, onTestFinished } from 'vitest'
import { LIMITS } from '../../../../src/core/limits.js'
import { Sources } from '../../../../src/engine/collection/sources.js'
import { open } from '../../../../src/index.js'

const at = (name: string, position: number) => ({ name, position })

describe('positions of sources', () => {
  it('are in the manifest as of its flush, and no later', () => {
    const sources = new Sources({}, true)
    for (const [seq, position] of [10, 20, 30].entries()) {
      sources.give(seq + 1, at('a', position))
      sources.apply(at('a', position))
    }
    expect(sources.asOf(0)).toEqual({})
    expect(sources.asOf(2)).toEqual({ sources: [at('a', 20)] })
    expect(sources.stored('a')).toBe(30)
    expect(sources.asOf(3)).toEqual({ sources: [at('a', 30)] })
  })

  it('are in it once the kernel has the rows, even if nobody was told so far', () => {
    const sources = new Sources({}, true)
    sources.give(1, at('a', 10))
    expect(sources.asOf(1)).toEqual({ sources: [at('a', 10)] })
  })

  it('are taken back with the records that the log lost', () => {
    const sources = new Sources({ sources: [at('a', 5)] }, true)
    sources.give(1, at('a', 10))
    sources.apply(at('a', 10))
    sources.give(2, at('b', 7))
    const lost = sources.give(3, at('a', 20))
    expect([sources.given('a'), sources.stored('a')]).toEqual([20, 10])
    sources.takeBack(lost)
    expect([sources.given('a'), sources.given('b')]).toEqual([10, 7])
    expect(sources.asOf(3)).toEqual({ sources: [at('a', 10), at('b', 7)] })
  })

  it('stay where a later record has the number of a lost one', () => {
    const sources = new Sources({}, true)
    const lost = sources.give(1, at('a', 10))
    // The log gives a number again once its record is undone, and only then tells of the loss.
    sources.give(1, at('b', 7))
    sources.apply(at('b', 7))
    sources.takeBack(lost)
    expect([sources.given('a'), sources.given('b')]).toEqual([0, 7])
    expect(sources.asOf(1)).toEqual({ sources: [at('b', 7)] })
  })

  it('are bounded, and the one that was written longest ago is forgotten', () => {
    const sources = new Sources({}, true)
    for (let seq = 0; seq <= LIMITS.ingestSources; seq++) {
      if (seq === LIMITS.ingestSources) sources.replay(seq, at('0', 2))
      sources.replay(seq, at(String(seq), 1))
    }
    expect([sources.stored('0'), sources.stored('1'), sources.stored('2')]).toEqual([2, 0, 1])
    expect(sources.asOf(LIMITS.ingestSources).sources?.length).toBe(LIMITS.ingestSources)
  })

  it('outlive a clean close and a flush', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'vicinal-sources-'))
    onTestFinished(() => rm(folder, { recursive: true }))
    for (let run = 0; run < 3; run++) {
      const database = await open(folder)
      const collection = await database.ensureCollection('a', { vectors: { size: 1, distance: 'Dot' } })
      expect(await collection.ingestPosition('camera')).toBe(2 * run)
      const source = { name: 'camera', position: 2 * run }
      // A bad row is last: its position is a record without points.
      const rows = [Buffer.from(`{"id":${run},"vector":[1]}\nbad\n`)]
      expect(await collection.ingest(rows, { type: 'application/x-ndjson', source })).toMatchObject({ rejected: 1 })
      if (run === 1) await collection.flush()
      await database.close()
    }
  })
})
