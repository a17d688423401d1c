import { VicinalError } from '../core/errors.js'

const INSTALL = 'npm install @slatedb/uniffi@0.12.1 opendal@0.49.10'

/** Loads one of the packages that only a store needs. Rejects with NATIVE_UNAVAILABLE, saying what to install. */
export async function storePackage<T>(name: string, load: () => Promise<T>): Promise<T> {
  try {
    return await load()
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause)
    throw new VicinalError('NATIVE_UNAVAILABLE', `a store needs the package ${name}: ${INSTALL} (${reason})`, { cause })
  }
}
