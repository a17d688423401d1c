/** A slot opens, closes and ends its collection, whichever of these are asked for at the same time. */
import { beforeEach, describe, expect, test } from 'vitest'
import { VicinalError } from '../../../../src/core/errors.js'
import { newManifest } from '../../../../src/engine/catalogue/manifest-file.js'
import type { CollectionEngine } from '../../../../src/engine/collection/collection-engine.js'
import { CollectionSlot, type SlotHost } from '../../../../src/engine/collection/collection-slot.js'
import type { EmbeddedCollection } from '../../../../src/engine/collection/embedded-collection.js'
import { resolveConfig } from '../../../../src/engine/config/schema.js'
import { MemoryStore } from '../../../../src/engine/stores/memory-store.js'

const CONFIG = resolveConfig({ vectors: { size: 2, distance: 'Dot' } })

interface Gate {
  readonly passed: Promise<void>
  open(): void
}
function gate(): Gate {
  let open = () => {}
  const passed = new Promise<void>((resolve) => {
    open = resolve
  })
  return { passed, open }
}
const turns = async () => {
  for (let turn = 0; turn < 10; turn++) await new Promise(setImmediate)
}

/** Engines without files, as if they were read from a disk. */
class Host implements SlotHost {
  readonly reopens = false
  readonly idleMs = 1
  readonly engines: CollectionEngine[] = []
  before: (slot: CollectionSlot) => Promise<unknown> = async () => undefined

  async open(slot: CollectionSlot): Promise<CollectionEngine> {
    await this.before(slot)
    const engine = await new MemoryStore().create(newManifest(slot.name, CONFIG))
    this.engines.push(engine)
    return engine
  }
  methodsOf = () => ({}) as EmbeddedCollection
  onOpened = () => undefined
  onFailure = () => undefined
}

let host: Host
const slotOf = (name: string) => new CollectionSlot({ name, uuid: name }, host)
beforeEach(() => {
  host = new Host()
})
const opening = (slot: CollectionSlot) => slot.use(async () => undefined)

test('an end waits for a close that begins at the same time', async () => {
  const slot = slotOf('a')
  await opening(slot)
  const [engine] = host.engines as [CollectionEngine]
  const closing = gate()
  const close = engine.close.bind(engine)
  engine.close = async (options) => {
    await closing.passed
    await close(options)
  }
  let isOver = false
  const ended = slot.end().then(() => {
    isOver = true
  })
  const closed = slot.closeIfUnused()
  await turns()
  expect(isOver).toBe(false)
  closing.open()
  await Promise.all([ended, closed])
  expect(engine.isClosed).toBe(true)
})

describe('while it opens', () => {
  test.each([
    ['ended', (slot: CollectionSlot) => slot.end(), 'CLOSED'],
    [
      'shut',
      (slot: CollectionSlot) => slot.shut(new VicinalError('IO_FAILED', 'replaced', { details: { stays: 'uuid' } })),
      'IO_FAILED',
    ],
  ])('a slot is %s: it serves nothing, and leaves nothing open', async (_, stop, code) => {
    const slot = slotOf('a')
    const reading = gate()
    host.before = () => reading.passed
    const used = opening(slot)
    await turns()
    const stopped = stop(slot)
    reading.open()
    await expect(used).rejects.toMatchObject({ code })
    await stopped
    await expect(opening(slot)).rejects.toMatchObject({ code })
    expect(host.engines.map(({ isClosed }) => isClosed)).toEqual([true])
  })
})

test('two collections of one query stay open for it, even if there is room for one', async () => {
  const [one, other] = [slotOf('one'), slotOf('other')]
  host.before = (slot) => (slot === one ? other : one).closeIfUnused()
  const names = await one.use(async ({ engine }) => {
    return await engine.read(async () => [other.schema.length, (await other.read(({ name }) => name)) as string])
  })
  expect(names).toEqual([1, 'other'])
  expect(host.engines).toHaveLength(2)
})

test('a failed opening is told, and tried again by the next use', async () => {
  const slot = slotOf('a')
  host.before = () => Promise.reject(new VicinalError('UNAVAILABLE', 'no descriptors'))
  await expect(opening(slot)).rejects.toMatchObject({ code: 'UNAVAILABLE' })
  await expect(slot.peek()).rejects.toMatchObject({ code: 'UNAVAILABLE' })
  host.before = async () => undefined
  await opening(slot)
  expect(await slot.peek()).toMatchObject({ status: 'green' })
})
