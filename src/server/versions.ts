/** The API whose words we speak, so that Qdrant's clients do not warn about versions. */
export const API_VERSION = '1.19.0'
export const TITLE = 'vicinal'
export const VERSION_HEADER = 'x-vicinal-version'
/** Our own version; a test holds it equal to package.json. */
export const VERSION = '0.1.0'
