import { randomUUID } from 'node:crypto'
import { setTimeout as pause } from 'node:timers/promises'
import { VicinalError } from '../core/errors.js'
import type { StoreAddress } from './address.js'
import type { Objects } from './objects.js'

const RIVALS = 8
/** Rounds that must show it. A round without a sure outcome, since requests failed, is done again so often. */
const ROUNDS = 2
const ATTEMPTS = 10
const RETRY_MS = 100
/** A node whose clock is further off the store's does not start: removals go by age. */
export const MOST_SKEW_MS = 60_000
const FOLDER = 'probe'

/**
 * Checks the guarantees that everything else needs: of concurrent creations one wins, a read after a write reads it,
 * and a list after a write has it. Rejects with UNAVAILABLE, naming the guarantee that the store breaks.
 */
export async function probe(objects: Objects, address: StoreAddress): Promise<void> {
  const folder = `${FOLDER}/${randomUUID()}/`
  const tried: string[] = []
  const sure: string[] = []
  try {
    for (let reason: VicinalError | null = null; sure.length < ROUNDS; ) {
      if (reason && tried.length >= ATTEMPTS) throw reason
      if (reason) await pause(RETRY_MS)
      const path = `${folder}${tried.length}`
      tried.push(path)
      reason = await unsure(objects, path, address)
      if (!reason) sure.push(path)
    }
    const listed = await objects.list(folder)
    const missing = sure.find((path) => !listed.some((object) => object.path === path))
    if (missing !== undefined) throw refused(address, 'a listing lacks an object that was just written')
    const off = listed.flatMap(({ modifiedMs }) => (modifiedMs === null ? [] : [Math.abs(Date.now() - modifiedMs)]))
    if (off.some((skewMs) => skewMs > MOST_SKEW_MS))
      throw refused(address, `its clock and this machine's differ by more than ${MOST_SKEW_MS / 1000} s`)
  } finally {
    for (const path of tried) await objects.remove(path).catch(() => undefined)
  }
}

/** One round. Resolves to null if the store kept its guarantees; to an error if too many requests failed to tell. */
async function unsure(objects: Objects, path: string, address: StoreAddress): Promise<VicinalError | null> {
  const contents = Array.from({ length: RIVALS }, (_, rival) => Buffer.from(`${rival}`))
  const outcomes = await Promise.allSettled(contents.map((content) => objects.create(path, content)))
  const won = outcomes.flatMap((outcome, rival) => (outcome.status === 'fulfilled' && outcome.value ? [rival] : []))
  const failed = outcomes.find((outcome) => outcome.status === 'rejected')
  const [winner] = won
  if (won.length > 1 || (winner === undefined && !failed))
    throw refused(address, `of ${RIVALS} concurrent creations of one object ${won.length} succeeded, and 1 should`)
  // A creation that failed may have been obeyed. Without a loser nothing was compared.
  const hasLost = outcomes.some((outcome) => outcome.status === 'fulfilled' && !outcome.value)
  if (winner === undefined || !hasLost) return failed?.reason as VicinalError
  const read = await objects.read(path)
  if (!read || !contents[winner]?.equals(read))
    throw refused(address, 'a read after a write does not read what was written')
  return null
}

function refused(address: StoreAddress, what: string): VicinalError {
  return new VicinalError('UNAVAILABLE', `the store ${address.url} cannot be used: ${what}`, {
    details: { store: address.url },
  })
}
