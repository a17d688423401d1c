// The index made anew from the table, as after a damaged segment file: a build without any ingestion.
import { cpSync, readdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { open } from '../../dist/index.js'
import { dataset, workFolder } from '../lib/datasets.mjs'
import { timed } from '../lib/measure.mjs'
import { allIndexed } from '../systems/vicinal.mjs'

export async function rebuild({ data, limit }) {
  const set = dataset(data, limit)
  const folder = workFolder(set, 'rebuild')
  rmSync(folder, { recursive: true, force: true })
  cpSync(workFolder(set, 'vicinal'), folder, { recursive: true })
  for (const name of readdirSync(folder).filter((entry) => entry.startsWith('c-'))) {
    const segments = join(folder, name, 'segments')
    for (const file of readdirSync(segments)) rmSync(join(segments, file))
  }
  let db
  const opening = await timed(async () => {
    db = await open(folder)
  })
  const indexing = await timed(async () => allIndexed(await db.collection('bench')))
  await db.close()
  rmSync(folder, { recursive: true, force: true })
  return {
    openSeconds: opening.wall,
    indexedSeconds: opening.wall + indexing.wall,
    cpuSeconds: opening.cpu + indexing.cpu,
  }
}
