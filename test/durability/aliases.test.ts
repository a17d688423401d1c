import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { describe, expect, it } from 'vitest'
import { open } from '../../src/index.js'
import { Random, runSeed } from '../oracle/fault-random.js'
import { ended, inScratch, startChild } from './child.js'
import { scaled } from './soak.js'

const KILLS = scaled(5)

describe('aliases', () => {
  it('are as of the last acknowledged change, or the one under way, after kill -9', async () => {
    const random = new Random(runSeed('aliases under kill -9'))
    let acknowledged = 0
    await inScratch(async (folder) => {
      for (let kill = 0; kill < KILLS; kill++) {
        const child = startChild('alias-swapper', [folder])
        const end = ended(child)
        let said = ''
        child.stdout?.on('data', (chunk) => {
          said += String(chunk)
        })
        // At least three changes, however slow the machine is.
        while (said.split('\n').length < 4 && child.exitCode === null && child.signalCode === null) await sleep(1)
        // The kill comes at a random moment.
        await sleep(random.below(120))
        child.kill('SIGKILL')
        const last = Number((await end).stdout.trimEnd().split('\n').at(-1))
        acknowledged += last
        const database = await open(folder)
        const found = Object.fromEntries(
          (await database.aliases()).map(({ aliasName, collectionName }) => [aliasName, collectionName]),
        )
        await database.close()
        const aliasesAfter = (change: number) => {
          const name = `collection-${change % 2}`
          return { a: name, b: name, [`n-${change}`]: name }
        }
        expect([aliasesAfter(last), aliasesAfter(last + 1)]).toContainEqual(found)
      }
    })
    expect(acknowledged, 'acknowledged changes').toBeGreaterThan(KILLS)
  })

  it('that are damaged are reported, and collections still answer to their own names', async () => {
    await inScratch(async (folder) => {
      const database = await open(folder)
      await database.createCollection('own', { vectors: { size: 1, distance: 'Dot' } })
      await database.updateAliases([{ createAlias: { aliasName: 'alias', collectionName: 'own' } }])
      await database.close()
      const file = join(folder, 'aliases')
      const whole = readFileSync(file)
      for (let at = 0; at < whole.length; at++) {
        const damaged = Buffer.from(whole)
        damaged[at] = (damaged[at] as number) ^ 1
        writeFileSync(file, damaged)
        const opened = await open(folder)
        expect((await opened.collection('own')).name).toBe('own')
        await expect(opened.collection('alias')).rejects.toMatchObject({ code: 'CORRUPT' })
        await expect(opened.aliases()).rejects.toMatchObject({ message: expect.stringContaining('aliases') })
        await expect(opened.updateAliases([])).rejects.toMatchObject({ code: 'CORRUPT' })
        await opened.close()
        expect(readFileSync(file)).toEqual(damaged)
      }
      writeFileSync(file, whole)
      const opened = await open(folder)
      expect((await opened.collection('alias')).name).toBe('own')
      await opened.close()
    })
  })

  it('of a collection whose deletion a crash interrupted never lead to a later collection of that name', async () => {
    await inScratch(async (folder) => {
      const database = await open(folder)
      await database.createCollection('gone', { vectors: { size: 1, distance: 'Dot' } })
      await database.updateAliases([{ createAlias: { aliasName: 'alias', collectionName: 'gone' } }])
      const file = join(folder, 'aliases')
      const before = readFileSync(file)
      await database.deleteCollection('gone')
      await database.close()
      // As after a power cut between the deletion of the collection and that of its aliases.
      writeFileSync(file, before)
      const opened = await open(folder)
      expect(await opened.aliases()).toEqual([])
      await opened.createCollection('gone', { vectors: { size: 1, distance: 'Dot' } })
      expect(await opened.hasCollection('alias')).toBe(false)
      await opened.close()
    })
  })

  it('are seen by a process that reads beside the writer', async () => {
    await inScratch(async (folder) => {
      const writer = await open(folder)
      await writer.createCollection('one', { vectors: { size: 1, distance: 'Dot' } })
      const reader = await open(folder, { readOnly: true })
      await writer.updateAliases([{ createAlias: { aliasName: 'alias', collectionName: 'one' } }])
      await expect.poll(() => reader.hasCollection('alias')).toBe(true)
      await expect(reader.updateAliases([])).rejects.toMatchObject({ code: 'READ_ONLY' })
      await reader.close()
      await writer.close()
    })
  })
})
