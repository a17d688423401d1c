import { VicinalError } from '../core/errors.js'
import type { StoreAddress } from './address.js'
import type { Objects } from './objects.js'

/** The object that says whose prefix this is, and of which format. */
const MARKER = 'vicinal.json'
const FORMAT = 1
/** What may be there beside no marker: a probe that was killed, and files that were not finished. */
const PROBE = 'probe/'

/**
 * Claims an empty prefix, or checks that it is one of ours. Rejects with INVALID_ARGUMENT for a prefix that holds other
 * objects, and with UNSUPPORTED_FORMAT for one of a newer format.
 */
export async function claimPrefix(
  objects: Objects,
  address: StoreAddress,
  options: { mayCreate: boolean },
): Promise<void> {
  if (await isClaimed(objects, address)) return
  const wrong = (what: string, more = {}) =>
    new VicinalError('INVALID_ARGUMENT', `store: ${address.url} ${what}`, { details: { field: 'store', ...more } })
  const foreign = (await objects.list('')).find(({ path }) => !path.startsWith(PROBE))
  // Another node may have claimed it meanwhile.
  if (foreign && (await isClaimed(objects, address))) return
  if (foreign) throw wrong(`holds other objects, such as ${JSON.stringify(foreign.path)}: expected an empty prefix`)
  if (!options.mayCreate) throw wrong('holds no database: start a node that writes first', { isEmpty: true })
  const marker = JSON.stringify({ vicinal: 'store', format: FORMAT, leastReader: FORMAT })
  if (await objects.create(MARKER, Buffer.from(marker))) return
  checkMarker((await objects.read(MARKER)) ?? new Uint8Array(), address)
}

async function isClaimed(objects: Objects, address: StoreAddress): Promise<boolean> {
  const found = await objects.read(MARKER)
  if (found) checkMarker(found, address)
  return found !== null
}

function checkMarker(bytes: Uint8Array, address: StoreAddress): void {
  const { vicinal, leastReader } = parsed(bytes)
  if (vicinal !== 'store' || !Number.isSafeInteger(leastReader)) {
    throw new VicinalError('CORRUPT', `store ${address.url}: ${MARKER} is no marker of a Vicinal store`, {
      details: { path: MARKER },
    })
  }
  if ((leastReader as number) <= FORMAT) return
  throw new VicinalError(
    'UNSUPPORTED_FORMAT',
    `store ${address.url}: needs a reader of format ${leastReader}, this one reads up to ${FORMAT}`,
    { details: { path: MARKER, leastReader, formatVersion: FORMAT } },
  )
}

function parsed(bytes: Uint8Array): { vicinal?: unknown; leastReader?: unknown } {
  try {
    return (JSON.parse(Buffer.from(bytes).toString('utf8')) ?? {}) as object
  } catch {
    return {}
  }
}
