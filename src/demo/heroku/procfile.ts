/**
 * Process types and their commands, in the order of the file.
 * @throws {Error} on a line that is neither `type: command`, nor a comment, nor empty
 * @see https://devcenter.heroku.com/articles/procfile
 */
export function parseProcfile(text: string): ReadonlyMap<string, string> {
  const commands = new Map<string, string>();
  for (const line of text.split('\n').map((raw) => raw.trim())) {
    if (line === '' || line.startsWith('#')) continue;
    const [, type, command] = /^([-\w]{1,128}):\s*(.+)$/.exec(line) ?? [];
    if (type === undefined || command === undefined)
      throw new Error(`Procfile: "${line}" is not "type: command"`);
    commands.set(type, command);
  }
  return commands;
}
