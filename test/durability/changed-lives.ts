/** Cycles of kill -9 against a server under load, while a changer changes its collections. */
import { join } from 'node:path'
import { expect } from 'vitest'
import { connect } from '../../src/client/index.js'
import type { Database } from '../../src/core/database.js'
import { checkConsistency } from '../oracle/fault-consistency.js'
import type { Lane } from '../oracle/fault-lane.js'
import { Random, runSeed } from '../oracle/fault-random.js'
import { freshProgress } from '../oracle/fault-run.js'
import { MAIN, MAIN_OPTIONS } from '../oracle/fault-workload.js'
import { inScratch } from './child.js'
import { checkAfterKill, lifeOf } from './server-life.js'
import { ServerProcess } from './server-process.js'

export interface Changer {
  /** Acknowledged changes. */
  readonly count: number
  /** Changes again and again until the server is gone. */
  run(database: Database, random: Random): Promise<void>
  /** Compares a new life of the server with the acknowledged and the begun change. */
  check(database: Database): Promise<void>
}

interface ChangedLives {
  readonly title: string
  readonly cycles: number
  readonly lifeMs: { readonly least: number; readonly most: number }
  readonly leastChanges: number
  readonly changer: Changer
  lanes(seed: number): Lane[]
  /** Further collections, made once. */
  begin?(database: Database): Promise<void>
}

export async function killWhileChanging(lives: ChangedLives): Promise<void> {
  const { title, cycles, changer } = lives
  const seed = runSeed(title)
  const random = new Random(seed)
  await inScratch(async (scratch) => {
    const lanes = lives.lanes(seed)
    const progress = freshProgress(lanes)
    let server = await ServerProcess.start(join(scratch, 'data'))
    try {
      for (let cycle = 0; cycle < cycles; cycle++) {
        const database = await connect(server.url, { retries: 0 })
        if (cycle === 0) {
          await database.createCollection(MAIN, MAIN_OPTIONS)
          await lives.begin?.(database)
        }
        const { count } = changer
        let hasEnded = false
        const changing = changer.run(database, random).finally(() => {
          hasEnded = true
        })
        const lifeMs = lives.lifeMs.least + random.below(lives.lifeMs.most - lives.lifeMs.least)
        // A changer that has failed makes no more changes, so it is not waited for.
        const isEnough = () => hasEnded || changer.count > count
        const failures = await lifeOf(server, database, lanes, progress, lifeMs, isEnough)
        await changing
        await database.close()
        expect(failures, `cycle ${cycle}, seed ${seed}: steps failed before the kill`).toEqual([])
        server = await ServerProcess.start(join(scratch, 'data'))
        await checkAfterKill(server, lanes, progress, random)
        const again = await connect(server.url)
        await changer.check(again)
        await again.close()
      }
      const database = await connect(server.url)
      const collection = await database.collection(MAIN)
      await collection.waitForIndex()
      expect(await collection.info()).toMatchObject({ status: 'green', warnings: [] })
      await checkConsistency(collection, random)
      await database.close()
    } finally {
      await server.end('SIGKILL')
    }
    process.stderr.write(`${title}: ${changer.count} changes in ${cycles} cycles\n`)
    expect(changer.count).toBeGreaterThanOrEqual(lives.leastChanges)
  })
}
