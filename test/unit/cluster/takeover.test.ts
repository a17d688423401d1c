/** Nodes that take a store, and tell so by real heartbeats before. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { expect, onTestFinished, test } from 'vitest'
import { parseStore } from '../../../src/bucket/address.js'
import { Objects } from '../../../src/bucket/objects.js'
import { Heartbeats } from '../../../src/cluster/heartbeats.js'
import { OwnerWatch } from '../../../src/cluster/owner-watch.js'
import { Takeover } from '../../../src/cluster/takeover.js'
import { VicinalError } from '../../../src/core/errors.js'
import { settled } from '../../../src/log/group.js'

const EPOCH = 7
const OWNER = { epoch: EPOCH, node: 'one', url: null }

async function started() {
  const root = mkdtempSync(join(tmpdir(), 'vicinal-takeover-'))
  onTestFinished(() => rmSync(root, { recursive: true, force: true }))
  const heartbeats = new Heartbeats(await Objects.open(parseStore(pathToFileURL(root).href)))
  const node = (id: string) => {
    const watch = new OwnerWatch(id, 60_000)
    let beat = 0
    let opened: number | null = null
    const takeover: Takeover = new Takeover({
      id,
      lookMs: 20,
      watch,
      tell: () =>
        heartbeats.write({
          id,
          url: 'http://127.0.0.1:1',
          roles: ['write', 'query'],
          epoch: opened,
          opening: takeover.opening,
          beat: ++beat,
          watermark: { epoch: EPOCH, batch: 1 },
          lagSeconds: 0,
        }),
      others: () => heartbeats.list(),
    })
    /** As a node does: it owns the store by the next epoch then. */
    const take = (own: () => Promise<unknown>) =>
      takeover.take(EPOCH, async () => {
        await own()
        opened = EPOCH + 1
      })
    return { take, watch }
  }
  const told = async (id: string) => (await heartbeats.read(id))?.opening
  return { node, told }
}

test('a node says that it opens the store before it does, and another one leaves it alone meanwhile', async () => {
  const { node, told } = await started()
  const [one, two] = [node('one'), node('two')]
  const [began, held] = [settled(), settled()]
  const first = one.take(async () => {
    began.resolve()
    await held.promise
  })
  await began.promise
  expect(await told('one')).toBe(EPOCH)
  const opened: string[] = []
  expect(await two.take(async () => void opened.push('two'))).toBe(false)
  expect(await told('two')).toBeNull()
  held.resolve()
  expect(await first).toBe(true)
  expect(await told('one')).toBeNull()
  expect(opened).toEqual([])
})

test('of nodes that take a store at the same time at most one opens it', async () => {
  const { node } = await started()
  const held = settled()
  let opened = 0
  const own = async () => {
    opened++
    await held.promise
  }
  const taken = ['one', 'two', 'three'].map((id) => node(id).take(own))
  const others = taken.map((one) => one.then((isOpened) => expect(isOpened).toBe(false)))
  await Promise.any(others)
  held.resolve()
  expect((await Promise.all(taken)).filter(Boolean)).toHaveLength(opened)
  // The first gives way, too, where another one takes its word back late. All try again then.
  expect(opened).toBeLessThanOrEqual(1)
})

test('a node that is fenced while it opens takes its word back, and stands back', async () => {
  const { node, told } = await started()
  const { take, watch } = node('one')
  expect(watch.isDue(OWNER)).toBe(true)
  const error = new VicinalError('UNAVAILABLE', 'another node has opened it', { details: { ending: 'fenced' } })
  await expect(take(() => Promise.reject(error))).rejects.toBe(error)
  expect(await told('one')).toBeNull()
  expect(watch.isDue(OWNER)).toBe(false)
})
