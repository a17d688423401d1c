/** Pictures of hosts that the service names, and payload keys that a path would read as more than one. */
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { setTheStage } from './browser.js'

const DOT = Buffer.from(
  'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==',
  'base64',
)
const env: Record<string, string> = {}
const asked: { url: string; referrer: string | undefined }[] = []
let pictures: Server
let origin: string

beforeAll(async () => {
  pictures = createServer((request, answer) => {
    asked.push({ url: request.url ?? '', referrer: request.headers.referer })
    answer.writeHead(200, { 'content-type': 'image/png' }).end(DOT)
  })
  await new Promise<void>((listens) => pictures.listen(0, '127.0.0.1', listens))
  const host = `127.0.0.1:${(pictures.address() as AddressInfo).port}`
  origin = `http://${host}`
  env.VICINAL_CONSOLE_PICTURE_HOSTS = host
})
afterAll(() => pictures.close())

const stage = setTheStage(env)

const put = async (path: string, body: object) => {
  const headers = { 'content-type': 'application/json' }
  return await fetch(stage.service.url + path, { method: 'PUT', headers, body: JSON.stringify(body) })
}

describe('payloads', () => {
  it('have pictures of allowed hosts shown, and of others linked', async () => {
    await put('/collections/seen', { vectors: {} })
    const payload = { allowed: `${origin}/a.png`, page: `${origin}/page`, other: 'http://127.0.0.1:9/b.png' }
    await put('/collections/seen/points?wait=true', { points: [{ id: 1, vector: {}, payload }] })
    const page = await stage.open()
    await page.at('/collections/seen/points')
    const picture = page.getByRole('img', { name: 'In allowed' })
    await expect
      .poll(() => picture.evaluate((image) => (image as unknown as { naturalWidth: number }).naturalWidth))
      .toBe(1)
    expect(asked).toEqual([{ url: '/a.png', referrer: undefined }])
    expect(await page.getByRole('article').getByRole('img').count()).toBe(1)
    await page.getByRole('link', { name: 'http://127.0.0.1:9/b.png' }).waitFor()
  })

  it('are filtered by keys with dots, spaces and quotes', async () => {
    await put('/collections/dotted', { vectors: {} })
    const points = [1, 2, 3].map((id) => ({ id, vector: {}, payload: { 'a.b "c"': { 'd e': `v${id}` } } }))
    await put('/collections/dotted/points?wait=true', { points })
    const page = await stage.open()
    await page.at('/collections/dotted/points')
    await page.getByRole('button', { name: 'v2' }).click()
    await expect.poll(() => page.getByRole('article').count()).toBe(1)
    await page.getByLabel('Point 2', { exact: true }).waitFor()
  })
})

describe('the overview', () => {
  it('says where warnings and nodes could not be read', async () => {
    const page = await stage.open()
    const refused = { status: 500, body: '{"status":{"error":"the disk is full","code":"INTERNAL"}}' }
    for (const path of ['issues', 'cluster']) await page.route(`**/${path}`, (route) => route.fulfill(refused))
    await page.at('/')
    await page.getByText('Warnings: the disk is full').waitFor()
    await page.getByText('Nodes: the disk is full').waitFor()
  })
})
