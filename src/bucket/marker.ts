import { setTimeout as pause } from 'node:timers/promises'
import { VicinalError } from '../core/errors.js'
import type { StoreAddress } from './address.js'
import type { Objects } from './objects.js'

/** The object that claims the prefix, and names its format. */
const MARKER = 'vicinal.json'
const FORMAT = 1
/** The oldest format that this one reads. */
const LEAST_FORMAT = 1
/** Objects below it may be there without a marker: they are left of a killed probe, or unfinished. */
const PROBE = 'probe/'
/** A marker without content is looked at so often. */
const MOST_LOOKS = 50
const LOOK_AGAIN_MS = 20

/**
 * Whether the prefix has a marker of ours. Rejects with INVALID_ARGUMENT for a prefix that holds other objects, and
 * with UNSUPPORTED_FORMAT for a format that is newer or too old. Writes nothing.
 */
export async function isClaimed(objects: Objects, address: StoreAddress): Promise<boolean> {
  if (await hasMarker(objects, address)) return true
  const foreign = (await objects.list('')).find(({ path }) => !path.startsWith(PROBE))
  if (!foreign) return false
  // Another node may have claimed it meanwhile.
  if (await hasMarker(objects, address)) return true
  throw wrong(address, `holds other objects, such as ${JSON.stringify(foreign.path)}: expected an empty prefix`)
}

/** The same, and rejects with INVALID_ARGUMENT for a prefix without a marker. */
export async function mustBeClaimed(objects: Objects, address: StoreAddress): Promise<void> {
  if (await isClaimed(objects, address)) return
  throw wrong(address, 'holds no database: start a node that writes first', { isEmpty: true })
}

/** Claims an empty prefix. False if another process has done so. */
export async function claim(objects: Objects, address: StoreAddress): Promise<boolean> {
  if (await isClaimed(objects, address)) return false
  const marker = JSON.stringify({ vicinal: 'store', format: FORMAT, leastReader: FORMAT })
  const isNew = await objects.create(MARKER, Buffer.from(marker)).catch(async (error: unknown) => {
    // The creation may have been obeyed all the same.
    if (await hasMarker(objects, address)) return false
    throw error
  })
  if (!isNew && !(await hasMarker(objects, address))) throw wrong(address, `lost its ${MARKER} meanwhile`)
  return isNew
}

function wrong({ url }: StoreAddress, what: string, more = {}): VicinalError {
  return new VicinalError('INVALID_ARGUMENT', `store: ${url} ${what}`, { details: { field: 'store', ...more } })
}

async function hasMarker(objects: Objects, address: StoreAddress): Promise<boolean> {
  for (let attempt = 1; ; attempt++) {
    const found = await objects.read(MARKER)
    if (found === null) return false
    // On a file system it is there before its bytes are, while another process claims the prefix.
    if (found.length > 0 || attempt === MOST_LOOKS) {
      checkMarker(found, address)
      return true
    }
    await pause(LOOK_AGAIN_MS)
  }
}

function checkMarker(bytes: Uint8Array, address: StoreAddress): void {
  const { vicinal, format, leastReader } = parsed(bytes)
  if (vicinal !== 'store' || !Number.isSafeInteger(format) || !Number.isSafeInteger(leastReader)) {
    throw new VicinalError('CORRUPT', `store ${address.url}: ${MARKER} is no marker of a Vicinal store`, {
      details: { path: MARKER },
    })
  }
  const unread = (what: string, details: object) =>
    new VicinalError('UNSUPPORTED_FORMAT', `store ${address.url}: ${what}`, { details: { path: MARKER, ...details } })
  if ((leastReader as number) > FORMAT)
    throw unread(`needs a reader of format ${leastReader}, this one reads up to ${FORMAT}`, {
      leastReader,
      formatVersion: FORMAT,
    })
  if ((format as number) < LEAST_FORMAT)
    throw unread(`is of format ${format}, this one reads from ${LEAST_FORMAT} on`, {
      format,
      leastFormat: LEAST_FORMAT,
    })
}

function parsed(bytes: Uint8Array): { vicinal?: unknown; format?: unknown; leastReader?: unknown } {
  try {
    return (JSON.parse(Buffer.from(bytes).toString('utf8')) ?? {}) as object
  } catch {
    return {}
  }
}
