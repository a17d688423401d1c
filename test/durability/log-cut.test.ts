import { cpSync, readdirSync, readFileSync, rmSync, statSync, truncateSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { open } from '../../src/index.js'
import { inScratch, runChild } from './child.js'
import { lastRecords } from './log-records.js'

/** Points after the first record, after the batch, after the delete. */
const PREFIXES = ['1,2,3', '1,2,3,4,5', '1,3,4,5']

it('a log cut at any byte of its last two records leaves a prefix and continues from there', async () => {
  await inScratch(async (scratch) => {
    const whole = join(scratch, 'whole')
    expect((await runChild('few-writes', [whole])).signal).toBe('SIGKILL')
    const log = readdirSync(whole, { recursive: true, encoding: 'utf8' }).find((name) => name.endsWith('.vlog'))!
    const [batchAt, deleteAt] = lastRecords(readFileSync(join(whole, log)), 2)
    const { size } = statSync(join(whole, log))
    for (let cut = batchAt!; cut <= size; cut++) {
      const folder = join(scratch, `cut-${cut}`)
      cpSync(whole, folder, { recursive: true })
      truncateSync(join(folder, log), cut)
      const database = await open(folder)
      const few = await database.collection('few')
      const ids: unknown[] = []
      for await (const { id, payload } of few.scroll()) {
        expect(payload).toEqual({ n: id })
        ids.push(id)
      }
      expect(ids.join(), `cut at ${cut}`).toBe(PREFIXES[cut < deleteAt! ? 0 : cut < size ? 1 : 2])
      await few.upsert([{ id: 9, vector: [9, 1] }])
      expect(await few.count()).toBe(ids.length + 1)
      await database.close()
      rmSync(folder, { recursive: true, force: true })
    }
  })
})
