import { once } from 'node:events'
import { mkdtempSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { expect, it, onTestFinished } from 'vitest'
import { open } from '../../../src/index.js'
import { ended, start, vicinal } from './process.js'

it('shows a folder beside its writer, changes nothing, and ends on SIGINT', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'vicinal-console-'))
  const writer = await open(join(folder, 'data'))
  onTestFinished(() => writer.close())
  const words = await writer.createCollection('words', { vectors: { size: 2, distance: 'Dot' } })
  await words.upsert([{ id: 1, vector: [1, 1] }], { wait: true })

  const child = start(['console', 'data'], folder)
  const [line] = (await once(createInterface({ input: child.stdout as never }), 'line')) as [string]
  const url = /at (http:\/\/127\.0\.0\.1:\d+)\/dashboard\//.exec(line)?.[1]
  expect(url, line).toBeDefined()
  const ask = async (method: string, path: string, body?: object) => {
    const headers = { 'content-type': 'application/json' }
    const answer = await fetch(`${url}${path}`, { method, headers, ...(body ? { body: JSON.stringify(body) } : {}) })
    return { status: answer.status, text: await answer.text() }
  }
  const count = async () => (await ask('POST', '/collections/words/points/count', {})).text
  expect((await ask('GET', '/dashboard/')).text).toContain('<title>')
  expect((await ask('GET', '/access')).text).toContain('"access":"r"')
  expect(await count()).toContain('"count":1')
  await words.upsert([{ id: 2, vector: [2, 1] }], { wait: true })
  await expect.poll(count, { timeout: 60_000 }).toContain('"count":2')
  for (const [method, path, body] of [
    ['PUT', '/collections/words/points', { points: [{ id: 3, vector: [1, 2] }] }],
    ['DELETE', '/collections/words', undefined],
    ['POST', '/collections/words/snapshots', {}],
  ] as const) {
    const { status, text } = await ask(method, path, body)
    expect([status, text], path).toEqual([403, expect.stringContaining('READ_ONLY')])
    expect(text).toContain('only reads')
  }
  const end = ended(child)
  child.kill('SIGINT')
  expect((await end).code).toBe(0)
})

it('says what is wrong with its folder', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'vicinal-console-'))
  expect(await vicinal(['console'], folder)).toMatchObject({
    code: 2,
    stderr: expect.stringContaining('name one folder'),
  })
  expect(await vicinal(['console', 'absent'], folder)).toMatchObject({
    code: 1,
    stderr: expect.stringContaining('NOT_FOUND'),
  })
})
