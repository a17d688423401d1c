import type { CallOptions, Collection, Database } from '../../core/database.js'
import { VicinalError } from '../../core/errors.js'
import type { Payload } from '../../core/point.js'
import type { CollectionOptions } from '../../core/schema.js'
import { checkSameConfig } from '../config/same-config.js'
import { resolveConfig } from '../config/schema.js'

/** Another caller may make or delete the collection in between. */
const ATTEMPTS = 3

/** The verbs of a database that are made of its other verbs. */
export abstract class EnsuringDatabase implements Pick<Database, 'ensureCollection' | typeof Symbol.asyncDispose> {
  abstract createCollection<P = Payload>(
    name: string,
    options: CollectionOptions,
    call?: CallOptions,
  ): Promise<Collection<P>>
  abstract collection<P = Payload>(name: string): Promise<Collection<P>>
  abstract close(): Promise<void>

  async ensureCollection<P = Payload>(
    name: string,
    options: CollectionOptions,
    call?: CallOptions,
  ): Promise<Collection<P>> {
    resolveConfig(options)
    for (let attempt = 1; ; attempt++) {
      try {
        const present = await this.collection<P>(name)
        checkSameConfig(present.name, (await present.info(call)).config, options)
        return present
      } catch (error) {
        if (!isOf(error, 'NOT_FOUND', 'CLOSED') || attempt === ATTEMPTS) throw error
      }
      try {
        return await this.createCollection<P>(name, options, call)
      } catch (error) {
        if (!isOf(error, 'ALREADY_EXISTS') || attempt === ATTEMPTS) throw error
      }
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close()
  }
}

function isOf(error: unknown, ...codes: string[]): boolean {
  return error instanceof VicinalError && codes.includes(error.code)
}
