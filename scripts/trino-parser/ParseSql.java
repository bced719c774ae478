import io.trino.sql.parser.ParsingException;
import io.trino.sql.parser.SqlParser;
import io.trino.sql.tree.Node;
import io.trino.sql.tree.Parameter;
import io.trino.sql.tree.QuerySpecification;
import java.io.IOException;
import java.nio.charset.StandardCharsets;

/** Parses the statements on standard input, a NUL between them, as Trino does; a line of tabs for each on standard output. */
public class ParseSql {
  private int inWhere = 0;
  private int elsewhere = 0;

  public static void main(String[] arguments) throws IOException {
    SqlParser parser = new SqlParser();
    String input = new String(System.in.readAllBytes(), StandardCharsets.UTF_8);
    for (String sql : input.split("\0")) {
      try {
        ParseSql seen = new ParseSql();
        seen.visit(parser.createStatement(sql), false);
        System.out.println("ok\t" + seen.inWhere + "\t" + seen.elsewhere);
      } catch (ParsingException problem) {
        System.out.println("line " + problem.getLineNumber() + ":" + problem.getColumnNumber() + ": " + problem.getErrorMessage());
      }
    }
  }

  /** Athena takes parameters in WHERE clauses only. */
  private void visit(Node node, boolean isInWhere) {
    if (node instanceof Parameter) {
      if (isInWhere) inWhere++;
      else elsewhere++;
    }
    for (Node child : node.getChildren()) {
      boolean isWhere = node instanceof QuerySpecification spec && spec.getWhere().filter(where -> where == child).isPresent();
      visit(child, isInWhere || isWhere);
    }
  }
}
