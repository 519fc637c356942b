import { aggregateModify } from "./aggregate-modify.ts";
import { arrayFunctions } from "./array-functions.ts";
import { collations } from "./collations.ts";
import { columnCompression } from "./column-compression.ts";
import { constraintForms } from "./constraint-forms.ts";
import { domainForms } from "./domain-forms.ts";
import { extendedStatistics } from "./extended-statistics.ts";
import { extensionComments } from "./extension-comments.ts";
import { extensionSchemas } from "./extension-schemas.ts";
import { extractNumeric } from "./extract-numeric.ts";
import { functionSupport } from "./function-support.ts";
import { generatedColumns } from "./generated-columns.ts";
import { includeColumns } from "./include-columns.ts";
import { indexColumns } from "./index-columns.ts";
import { inheritedNulls } from "./inherited-nulls.ts";
import { loginTriggers } from "./login-triggers.ts";
import { materializedCte } from "./materialized-cte.ts";
import { newFunctions } from "./new-functions.ts";
import { newTypes } from "./new-types.ts";
import { notNullConstraints } from "./not-null-constraints.ts";
import { operatorFunction } from "./operator-function.ts";
import { partitionedExclusion } from "./partitioned-exclusion.ts";
import { partitionedLater } from "./partitioned-later.ts";
import { partitionedTables } from "./partitioned-tables.ts";
import { postfixOperators } from "./postfix-operators.ts";
import { privileges } from "./privileges.ts";
import { procedures } from "./procedures.ts";
import { publicSchemaOwner } from "./public-schema-owner.ts";
import { publications } from "./publications.ts";
import { querySyntax } from "./query-syntax.ts";
import { rangeMultirangeName } from "./range-multirange-name.ts";
import { reservedWords } from "./reserved-words.ts";
import type { Rule } from "./rule.ts";
import { sessionSettings } from "./session-settings.ts";
import { sqlBody } from "./sql-body.ts";
import { similarEscape } from "./similar-escape.ts";
import { storageParameters } from "./storage-parameters.ts";
import { subscripting } from "./subscripting.ts";
import { substringSimilar } from "./substring-similar.ts";
import { systemRights } from "./system-rights.ts";
import { tableAccessMethod } from "./table-access-method.ts";
import { triggerExecuteFunction } from "./trigger-execute-function.ts";
import { unloggedSequence } from "./unlogged-sequence.ts";
import { viewOptions } from "./view-options.ts";
import { xmlserializeIndent } from "./xmlserialize-indent.ts";

/**
 * In the order in which they see an entry. What leaves text out comes before what judges the rest of it, and rules that read parse trees
 * before the one that turns a function's body into a string.
 */
export const RULES: readonly Rule[] = [
  reservedWords,
  sessionSettings,
  tableAccessMethod,
  triggerExecuteFunction,
  operatorFunction,
  unloggedSequence,
  rangeMultirangeName,
  columnCompression,
  storageParameters,
  extendedStatistics,
  indexColumns,
  includeColumns,
  functionSupport,
  aggregateModify,
  arrayFunctions,
  materializedCte,
  xmlserializeIndent,
  similarEscape,
  substringSimilar,
  extractNumeric,
  notNullConstraints,
  inheritedNulls,
  constraintForms,
  generatedColumns,
  partitionedExclusion,
  partitionedTables,
  partitionedLater,
  procedures,
  newTypes,
  domainForms,
  subscripting,
  collations,
  viewOptions,
  querySyntax,
  newFunctions,
  postfixOperators,
  publicSchemaOwner,
  extensionSchemas,
  extensionComments,
  publications,
  systemRights,
  privileges,
  loginTriggers,
  sqlBody,
];
