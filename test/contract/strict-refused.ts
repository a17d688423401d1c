import { expect } from 'vitest'
import type { Collection } from '../../src/core/database.js'
import type { StrictModeConfig } from '../../src/core/schema.js'

export type Attempt = (collection: Collection) => Promise<unknown>

/** Strict mode refuses each attempt because of this field. A text must be part of the message. */
export async function expectRefused(
  collection: Collection,
  field: keyof StrictModeConfig & string,
  refusals: readonly (readonly [attempt: Attempt, message: string | RegExp])[],
): Promise<void> {
  for (const [i, [attempt, message]] of refusals.entries()) {
    const seen = await attempt(collection).then(
      () => null,
      (error: unknown) => error,
    )
    expect(seen, `refused ${i}`).toMatchObject({
      code: 'INVALID_ARGUMENT',
      status: 400,
      message: typeof message === 'string' ? expect.stringContaining(message) : expect.stringMatching(message),
      details: { field: `strictModeConfig.${field}`, bound: expect.anything(), seen: expect.anything() },
    })
  }
}
