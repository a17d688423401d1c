import { randomUUID } from 'node:crypto'
import { VicinalError } from '../core/errors.js'
import type { StoreAddress } from './address.js'
import type { Objects } from './objects.js'

const RIVALS = 8
const ROUNDS = 2
/** A node whose clock is further off the store's does not start: removals go by age. */
export const MOST_SKEW_MS = 60_000
const FOLDER = 'probe'

/**
 * Checks what everything else stands on: of concurrent creations one wins, a read after a write reads it, and a list
 * after a write has it. Rejects with UNAVAILABLE, naming what the store does not do.
 */
export async function probe(objects: Objects, address: StoreAddress): Promise<void> {
  const folder = `${FOLDER}/${randomUUID()}/`
  const made: string[] = []
  try {
    for (let round = 0; round < ROUNDS; round++) await probeOnce(objects, `${folder}${round}`, made, address)
    const listed = await objects.list(folder)
    const missing = made.find((path) => !listed.some((object) => object.path === path))
    if (missing !== undefined) throw refused(address, 'a listing lacks an object that was just written')
    const off = listed.flatMap(({ modifiedMs }) => (modifiedMs === null ? [] : [Math.abs(Date.now() - modifiedMs)]))
    if (off.some((skewMs) => skewMs > MOST_SKEW_MS))
      throw refused(address, `its clock and this machine's differ by more than ${MOST_SKEW_MS / 1000} s`)
  } finally {
    for (const path of made) await objects.remove(path).catch(() => undefined)
  }
}

async function probeOnce(objects: Objects, path: string, made: string[], address: StoreAddress): Promise<void> {
  made.push(path)
  const contents = Array.from({ length: RIVALS }, (_, rival) => Buffer.from(`${rival}`))
  const won = await Promise.all(contents.map((content) => objects.create(path, content)))
  const winners = won.filter(Boolean).length
  if (winners !== 1)
    throw refused(address, `of ${RIVALS} concurrent creations of one object ${winners} succeeded, and 1 should`)
  const read = await objects.read(path)
  const winner = contents[won.indexOf(true)] as Buffer
  if (!read || !winner.equals(read)) throw refused(address, 'a read after a write does not read what was written')
}

function refused(address: StoreAddress, what: string): VicinalError {
  return new VicinalError('UNAVAILABLE', `the store ${address.url} cannot be used: ${what}`, {
    details: { store: address.url },
  })
}
