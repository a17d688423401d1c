import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { expect, onTestFinished, test } from 'vitest'
import { parseStore } from '../../../src/bucket/address.js'
import { Objects } from '../../../src/bucket/objects.js'
import { type Heartbeat, Heartbeats, isAddress } from '../../../src/cluster/heartbeats.js'

const BEAT: Heartbeat = {
  id: 'one',
  url: 'http://10.0.0.1:6333',
  roles: ['write', 'query'],
  epoch: 3,
  beat: 12,
  watermark: { epoch: 3, batch: 40 },
  opening: null,
  lagSeconds: 0,
}

async function opened() {
  const root = mkdtempSync(join(tmpdir(), 'vicinal-beats-'))
  onTestFinished(() => rmSync(root, { recursive: true, force: true }))
  const objects = await Objects.open(parseStore(pathToFileURL(root).href))
  return { objects, heartbeats: new Heartbeats(objects) }
}

test('a heartbeat is read as it was written, alone and in the list, until it is removed', async () => {
  const { heartbeats } = await opened()
  expect(await heartbeats.read('one')).toBeNull()
  await heartbeats.write(BEAT)
  await heartbeats.write({ ...BEAT, id: 'two', epoch: null })
  await heartbeats.tellOwner(3)
  expect(await heartbeats.read('one')).toEqual(BEAT)
  expect((await heartbeats.list()).map(({ id }) => id).sort()).toEqual(['one', 'two'])
  expect(await heartbeats.toldEpoch()).toBe(3)
  await heartbeats.remove('one')
  expect((await heartbeats.list()).map(({ id }) => id)).toEqual(['two'])
})

test('what is no heartbeat is none: another node’s name, an address with a path or a user, no JSON', async () => {
  const { objects, heartbeats } = await opened()
  const written = async (text: string) => {
    await objects.write('nodes/one.json', Buffer.from(text))
    return await heartbeats.read('one')
  }
  const told = { ...BEAT, watermark: '3.40' }
  expect(await written(JSON.stringify(told))).toEqual(BEAT)
  for (const wrong of [
    { ...told, id: 'two' },
    { ...told, url: 'http://10.0.0.1:6333/elsewhere' },
    { ...told, url: 'http://user:key@10.0.0.1' },
    { ...told, url: 'file:///etc' },
    { ...told, roles: 'write' },
    { ...told, beat: '12' },
    { ...told, watermark: 'none' },
    [],
    null,
  ])
    expect(await written(JSON.stringify(wrong)), JSON.stringify(wrong)).toBeNull()
  expect(await written('{')).toBeNull()
  expect(['https://one.example', 'http://[::1]:80'].every(isAddress)).toBe(true)
  expect(['one.example', 'http://one.example/?a', ''].some(isAddress)).toBe(false)
})
