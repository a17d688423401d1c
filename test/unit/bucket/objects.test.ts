import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { parseStore, type StoreAddress } from '../../../src/bucket/address.js'
import { Objects } from '../../../src/bucket/objects.js'
import { prepareStore } from '../../../src/bucket/prepared-store.js'
import { probe } from '../../../src/bucket/probe.js'
import { VicinalError } from '../../../src/core/errors.js'

let root: string
let address: StoreAddress
let objects: Objects

beforeEach(async () => {
  root = mkdtempSync(join(tmpdir(), 'vicinal-objects-'))
  address = parseStore(pathToFileURL(root).href)
  objects = await Objects.open(address)
})
afterEach(() => rmSync(root, { recursive: true, force: true }))

const bytes = (text: string) => Buffer.from(text)

test('an object is created once, read whole and by range, listed, and removed', async () => {
  expect(await objects.create('a/b', bytes('first'))).toBe(true)
  expect(await objects.create('a/b', bytes('second'))).toBe(false)
  expect(await objects.read('a/b')).toEqual(bytes('first'))
  expect(await objects.readRange('a/b', { offset: 1, bytes: 3 })).toEqual(bytes('irs'))
  await expect(objects.readRange('a/b', { offset: 3, bytes: 3 })).rejects.toMatchObject({ code: 'CORRUPT' })
  await expect(objects.readRange('none', { offset: 0, bytes: 3 })).rejects.toMatchObject({ code: 'CORRUPT' })
  await objects.write('a/b', bytes('third'))
  const [listed] = await objects.list('a/')
  expect(listed).toMatchObject({ path: 'a/b', bytes: 5 })
  expect(Math.abs((listed?.modifiedMs ?? 0) - Date.now())).toBeLessThan(600_000)
  await objects.remove('a/b')
  await objects.remove('a/b')
  expect(await objects.read('a/b')).toBeNull()
  expect(await objects.list('none/')).toEqual([])
})

test('an object of several pieces is whole', async () => {
  async function* pieces() {
    yield Buffer.alloc(1_000_000, 1)
    yield Buffer.alloc(5, 2)
  }
  await objects.writePieces('large', pieces())
  const read = (await objects.read('large')) as Buffer
  expect(read.length).toBe(1_000_005)
  expect(read[1_000_000]).toBe(2)
})

test('a store that does what it must is used, and nothing of the probe stays', async () => {
  await probe(objects, address)
  expect(await objects.list('probe/')).toEqual([])
})

test.each<[string, Partial<Objects>, RegExp]>([
  ['lets two of several creations succeed', { create: async () => true }, /of 8 concurrent creations .* 8 succeeded/],
  ['reads what was written before', { read: async () => bytes('older') }, /a read after a write/],
  ['lists what was there before', { list: async () => [] }, /a listing lacks an object/],
])('a store that %s is refused', async (_, differs, message) => {
  const odd = new Proxy(objects, {
    get: (target, key) =>
      key in differs ? differs[key as keyof Objects] : (target[key as keyof Objects] as () => unknown).bind(target),
  })
  await expect(probe(odd, address)).rejects.toThrow(message)
})

test('a store that fails one request in six is used', async () => {
  let calls = 0
  const failing = new Proxy(objects, {
    get: (target, key) => {
      if (key !== 'create') return (target[key as keyof Objects] as () => unknown).bind(target)
      return async (path: string, content: Uint8Array) => {
        // Of two failures one was obeyed all the same.
        const [isFailing, isObeyed] = [++calls % 6 === 0, calls % 12 === 0]
        const isMade = isFailing && !isObeyed ? false : await target.create(path, content)
        if (isFailing) throw new VicinalError('UNAVAILABLE', 'the store is busy')
        return isMade
      }
    },
  })
  for (let at = 0; at < 10; at++) await probe(failing, address)
  const dead = new Proxy(failing, {
    get: (target, key) =>
      key === 'create'
        ? () => Promise.reject(new VicinalError('UNAVAILABLE', 'the store is busy'))
        : target[key as keyof Objects],
  })
  await expect(probe(dead, address)).rejects.toThrow('the store is busy')
})

test('a prefix of others is refused and left as it is', async () => {
  writeFileSync(join(root, 'letters.txt'), 'dear')
  await expect(prepareStore(address)).rejects.toThrow(/holds other objects, such as "letters\.txt"/)
  expect(readdirSync(root)).toEqual(['letters.txt'])
})

test('of processes that prepare an empty store one claims it', async () => {
  const prepared = await Promise.all(Array.from({ length: 4 }, () => prepareStore(address)))
  expect(prepared.filter(({ isNew }) => isNew)).toHaveLength(1)
  expect((await prepareStore(address)).isNew).toBe(false)
})

test('a marker that is not written yet is waited for', async () => {
  writeFileSync(join(root, 'vicinal.json'), '')
  const preparing = prepareStore(address)
  await new Promise(setImmediate)
  writeFileSync(join(root, 'vicinal.json'), JSON.stringify({ vicinal: 'store', format: 1, leastReader: 1 }))
  expect((await preparing).isNew).toBe(false)
})

test('a file that is replaced while others read it is always whole', async () => {
  const contents = [bytes('a'.repeat(200_000)), bytes('b'.repeat(100_000))] as const
  await objects.write('beat', contents[0])
  let isWriting = true
  const writing = (async () => {
    for (let at = 0; at < 200; at++) await objects.write('beat', contents[at % 2] as Buffer)
    isWriting = false
  })()
  while (isWriting) {
    const read = (await objects.read('beat')) as Buffer
    expect(
      contents.some((content) => content.equals(read)),
      `${read.length} bytes`,
    ).toBe(true)
  }
  await writing
  expect((await objects.list('')).map(({ path }) => path)).toEqual(['beat'])
})
