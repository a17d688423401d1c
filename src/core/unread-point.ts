import type { VicinalError } from './errors.js'

/** Stands for a point that could not be read: it is refused with this error, and the others of its write are not. */
export class UnreadPoint {
  readonly error: VicinalError

  constructor(error: VicinalError) {
    this.error = error
  }
}
