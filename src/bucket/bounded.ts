import { VicinalError } from '../core/errors.js'
import type { StoreAddress } from './address.js'
import { Objects } from './objects.js'

/** Folder of the database below the store's address. */
export const DATABASE = 'log'
/** SlateDB's manifests: a store that lists and reads them answers. */
const MANIFESTS = `${DATABASE}/manifest/`
/** A call that takes so long has the store asked whether it answers. */
const ASK_AFTER_MS = 20_000
/** A store that has not answered by then does not. */
const ANSWER_MS = 8_000
/** A read that takes so long has failed, though the store answers. */
const READ_MS = 30_000
/** An opening has as long: it reads all of the log that is in no table yet. */
export const OPENING_MS = 120_000

/**
 * The outcome of a call of the database. SlateDB asks again for ever where a store refuses it, does not answer, or has an
 * object that was cut. So this rejects with UNAVAILABLE, within 30 s where the store does not answer. The call goes on
 * meanwhile, since a thread that has one cannot be ended.
 */
export async function bounded<T>(address: StoreAddress, work: Promise<T>, mostMs = READ_MS): Promise<T> {
  const beganMs = performance.now()
  for (;;) {
    const outcome = await within(work, ASK_AFTER_MS)
    if (outcome !== LATE) return outcome
    if (performance.now() - beganMs >= mostMs)
      throw unavailable(
        `no answer within ${mostMs / 1_000} s, though the store answers: an object below ${DATABASE}/ may be damaged`,
      )
    const refusal = await Promise.race([work.then(() => null), refusalOf(address)])
    if (refusal) throw refusal
  }
}

const LATE = Symbol('late')

async function within<T>(work: Promise<T>, ms: number): Promise<T | typeof LATE> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<typeof LATE>((resolve) => {
    timer = setTimeout(resolve, ms, LATE)
  })
  try {
    return await Promise.race([work, late])
  } finally {
    clearTimeout(timer)
  }
}

/** Why the store does not answer; null if it does. */
async function refusalOf(address: StoreAddress): Promise<unknown> {
  try {
    const asked = await within(ask(address), ANSWER_MS)
    return asked === LATE ? unavailable('the store does not answer') : null
  } catch (error) {
    return error
  }
}

/** Lists and reads: a store may allow the one and refuse the other. */
async function ask(address: StoreAddress): Promise<void> {
  const objects = await Objects.open(address)
  const last = (await objects.list(MANIFESTS)).at(-1)
  if (last) await objects.read(last.path)
}

function unavailable(what: string): VicinalError {
  return new VicinalError('UNAVAILABLE', `the store's database: ${what}`)
}
