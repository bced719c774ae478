/**
 * The whole number of DynamoDB's digits; undefined where they are none that JavaScript has exactly. DynamoDB's numbers have 38
 * digits: 2.00000000000000001 is not 2.
 */
export function wholeNumber(digits: unknown): number | undefined {
  if (typeof digits !== 'string') return undefined;
  // Nearly every one is a few digits: this runs six times for every record of the table stream.
  let number = 0;
  for (let i = 0; i < digits.length && i < 15; i++) {
    const digit = digits.charCodeAt(i) - 48;
    if (digit < 0 || digit > 9 || (number === 0 && i > 0)) return exact(digits);
    number = number * 10 + digit;
  }
  return digits.length > 0 && digits.length < 16 ? number : exact(digits);
}

function exact(digits: string): number | undefined {
  const number = Number(digits);
  return Number.isSafeInteger(number) && String(number) === digits ? number : undefined;
}
