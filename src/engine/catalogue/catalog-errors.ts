/** Errors about the name of a collection that a caller asks for or wants to create. */
import { VicinalError } from '../../core/errors.js'

/** The wording is Qdrant's. */
export function takenByAlias(name: string): VicinalError {
  const reason = 'Alias with the same name already exists'
  return new VicinalError('INVALID_ARGUMENT', `Can't create collection with name ${name}. ${reason}`, {
    details: { name },
  })
}

export function cannotBeServed(name: string, error: VicinalError): VicinalError {
  return new VicinalError(error.code, `collection ${JSON.stringify(name)} cannot be served: ${error.message}`, {
    cause: error,
  })
}

export function alreadyThere(name: string): VicinalError {
  const message = `Wrong input: Collection \`${name}\` already exists!`
  return new VicinalError('ALREADY_EXISTS', message, { details: { name } })
}
