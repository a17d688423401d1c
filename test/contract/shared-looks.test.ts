/** Calls that describe all collections share one look, since a look takes long where there are many. */
import { describe, expect, it } from 'vitest'
import type { Collection } from '../../src/core/database.js'
import type { Payload } from '../../src/core/point.js'
import { SharedLook } from '../../src/server/shared-look.js'
import { MemoryDatabase } from '../oracle/memory-database.js'
import { startService } from './service.js'

const AT_ONCE = 500

/** Counts how often its collections are listed, and how often one is asked about itself. */
class CountingDatabase extends MemoryDatabase {
  lists = 0
  infos = 0
  readonly #watched = new WeakSet<object>()
  override async collections(): Promise<string[]> {
    this.lists++
    return await super.collections()
  }
  override async collection<P = Payload>(name: string): Promise<Collection<P>> {
    const found = await super.collection<P>(name)
    if (this.#watched.has(found)) return found
    this.#watched.add(found)
    const info = found.info.bind(found)
    found.info = (call) => {
      this.infos++
      return info(call)
    }
    return found
  }
}

describe('requests that are sent at once', () => {
  it.each(['/metrics', '/telemetry?details_level=3', '/cluster/telemetry', '/issues', '/collections/c'])(
    'share a look at the collections: %s',
    async (path) => {
      const database = new CountingDatabase()
      await database.createCollection('c', { vectors: { size: 2, distance: 'Dot' } })
      const { raw } = await startService({ database, maxConcurrentReads: AT_ONCE })
      const head = `GET ${path} HTTP/1.1\r\nhost: localhost\r\n`
      const answers = await raw(`${`${head}\r\n`.repeat(AT_ONCE - 1)}${head}connection: close\r\n\r\n`)
      expect(answers.match(/HTTP\/1\.1 200 OK/g)).toHaveLength(AT_ONCE)
      // As many as there are pieces in which the requests arrive, and for telemetry two of each.
      expect(database.lists).toBeLessThan(AT_ONCE / 10)
      expect(database.infos).toBeGreaterThan(0)
      expect(database.infos).toBeLessThan(AT_ONCE / 10)
    },
  )
})

describe('a shared look', () => {
  it('begins after everyone who gets it has asked', async () => {
    let begun = 0
    const waiting: (() => void)[] = []
    const look = new SharedLook(async () => {
      const mine = ++begun
      await new Promise<void>((resolve) => waiting.push(resolve))
      if (mine === 2) throw new Error('fails')
      return mine
    })
    const settle = () => new Promise((resolve) => setImmediate(resolve))
    const first = [look.get(), look.get()]
    await settle()
    const second = [look.get(), look.get()]
    await settle()
    expect(begun).toBe(1)
    waiting.shift()?.()
    expect(await Promise.all(first)).toEqual([1, 1])
    await settle()
    waiting.shift()?.()
    await Promise.all(second.map((failed) => expect(failed).rejects.toThrow('fails')))
    const third = look.get()
    await settle()
    waiting.shift()?.()
    expect(await third).toBe(3)
  })
})
