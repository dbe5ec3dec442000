import json

from makegood.ground.asking import Question, ask, ask_all


def number(value: int) -> Question[int]:
    return Question("SELECT %(n)s::int::text", lambda text: int(text or 0), {"n": value})


def test_several_questions_are_one_statement_and_keep_their_parameters_apart(db, django_assert_num_queries):
    both = Question("WITH a AS (SELECT %(n)s::text AS n) SELECT a.n || %(n)s::text FROM a", str, {"n": "x"})
    with django_assert_num_queries(1):
        assert ask_all([number(1), both, number(3)]) == [1, "xx", 3]


def test_a_question_without_an_answer_reads_nothing(db):
    nothing = Question("SELECT 'a' WHERE false", lambda text: text)
    assert ask(nothing) is None
    assert ask_all([nothing, number(2)]) == [None, 2]


def test_nothing_asked_costs_nothing(db, django_assert_num_queries):
    with django_assert_num_queries(0):
        assert ask_all([]) == []


def test_more_can_be_made_of_an_answer(db):
    said = Question("SELECT json_build_array(1, 2)::text", lambda text: json.loads(text or "[]"))
    assert ask(said.then(sum).then(str)) == "3"
